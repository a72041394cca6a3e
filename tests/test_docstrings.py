"""Functions that a notebook or the README calls tell their parameters, shapes, units and errors; the rest need not."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "churn", "clv", "company", "customers", "demo", "environment", "relationships", "retention", "satisfaction",
    "scoring", "segments", "statistics",
)  # fmt: skip
CHECKS = {"GL03", "GL05", "GL06", "GL07", "GL08", "PR01", "PR03", "PR10", "RT03", "SS01", "SS02", "SS03", "SS04"}
READ = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "README.md", *ROOT.glob("notebooks/*.ipynb")))


def _called(package):
    """Return the functions of a package that are called there; a finding takes a result, and its texts say the rest."""
    module = importlib.import_module(f"crm_lib.{package}")
    imported = re.findall(rf"from crm_lib\.{package} import ([\w, ]+)", READ)
    names = set(re.findall(rf"\b{package}\.(\w+)\(", READ)) | set(", ".join(imported).split(", "))
    functions = {name for name in names if inspect.isfunction(getattr(module, name, None))}
    return sorted(name for name in functions if not name.startswith("finding_"))


@pytest.mark.parametrize("package", PACKAGES)
def test_what_readers_call_is_documented(package):
    found = {name: validate(f"crm_lib.{package}.{name}")["errors"] for name in _called(package)}
    wrong = {name: [text for code, text in errors if code in CHECKS] for name, errors in found.items()}
    assert not {name: errors for name, errors in wrong.items() if errors}


def test_there_is_something_to_check():
    assert sum(len(_called(package)) for package in PACKAGES) > 40
