"""What a README reader imports tells its parameters, units, errors and source; what lies behind need not."""

from __future__ import annotations

import importlib
import inspect

import pytest
from numpydoc.validate import validate

PACKAGES = (
    "crm_lib.company", "crm_lib.customers", "crm_lib.statistics", "crm_lib.clv", "crm_lib.segments",
    "crm_lib.relationships", "crm_lib.scoring", "crm_lib.demo",
)  # fmt: skip
CHECKS = {"GL03", "GL05", "GL06", "GL07", "GL08", "PR01", "PR03", "PR10", "RT03", "SS01", "SS02", "SS03", "SS04"}


@pytest.mark.parametrize("package", PACKAGES)
def test_exported_functions_are_documented(package):
    module = importlib.import_module(package)
    wrong = {}
    for name in module.__all__:
        if not inspect.isfunction(getattr(module, name)):
            continue
        errors = [f"{code} {text}" for code, text in validate(f"{package}.{name}")["errors"] if code in CHECKS]
        if errors:
            wrong[name] = errors
    assert not wrong
