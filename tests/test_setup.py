"""The files that say what is installed agree with each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
RUNTIME, DEVELOPMENT = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _pins(lock):
    """Return {package: [pinned requirement, ...]}; a package may be pinned apart for different Pythons."""
    pins = {}
    for line in lock.read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            pin = Requirement(line.rstrip(" \\"))
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


@pytest.mark.parametrize(
    ("lock", "more"),
    [
        (RUNTIME, PROJECT["project"]["optional-dependencies"]["postgres"]),
        (DEVELOPMENT, PROJECT["dependency-groups"]["dev"]),
    ],
    ids=["runtime", "development"],
)
def test_every_dependency_is_locked_within_its_bounds(lock, more):
    pins = _pins(lock)
    for requirement in map(Requirement, [*PROJECT["project"]["dependencies"], *more]):
        for pin in pins[canonicalize_name(requirement.name)]:
            (version,) = [Version(specifier.version) for specifier in pin.specifier]
            assert version in requirement.specifier, f"{lock.name} pins {pin}, pyproject.toml wants {requirement}"


def test_development_and_companies_use_the_versions_that_reports_use():
    development = _pins(DEVELOPMENT)
    for lock in (RUNTIME, *ROOT.glob("data/*/requirements.lock")):
        for name, pins in _pins(lock).items():
            assert {str(pin.specifier) for pin in pins} == {str(pin.specifier) for pin in development[name]}, name


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT], ids=lambda lock: lock.name)
def test_a_lock_has_hashes_and_no_host(lock):
    text = lock.read_text()
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host", text)
    for block in re.split(r"\n(?=[A-Za-z0-9])", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_conda_users_get_the_same_packages_from_the_same_lock():
    text = (ROOT / "environment.yml").read_text()
    listed = re.findall(r"^\s+- (.+)$", text, flags=re.MULTILINE)
    assert listed[-2:] == ["--require-hashes", f"-r {RUNTIME.name}"]
    assert f"python{PROJECT['project']['requires-python']}" in listed
    assert set(listed[:-2]) == {"conda-forge", "nodefaults", "python>=3.11", "pip", "pip:"}


def test_make_explains_an_old_python(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.8.1 || exit 1\n')
    old.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    run = subprocess.run(["make", "report", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Python 3.11 or later is needed" in run.stderr
    assert "Python 3.8.1" in run.stderr
