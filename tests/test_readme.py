"""The README promises only what is there."""

import re
from pathlib import Path
from typing import Any

import pytest

from crm_lib.company import Company

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_make_goal_it_names_exists():
    goals = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^ +|run: )make ([a-z]+)", README, flags=re.MULTILINE))
    assert {"report", "test"} <= named <= goals


def test_every_file_it_links_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_map_lists_each_notebook_that_is_written():
    listed = set(re.findall(r"notebooks/(\d\d_\w+\.ipynb)", README))
    assert listed == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)```", README, flags=re.MULTILINE | re.DOTALL)


def test_its_five_minutes_lead_to_a_company(tmp_path):
    shop = tmp_path / "mycompany"
    shop.mkdir()
    (shop / "company.toml").write_text(re.sub("^   ", "", _blocks("toml")[0], flags=re.MULTILINE))
    (shop / "sales.csv").write_text("Receipt;Client;Date;Amount\n1;7;2026-01-05;20.00\n2;7;2026-02-05;30.00\n")
    company = Company.open(shop)
    assert company.name == "My Company"
    assert company.frame("transactions")[["revenue", "margin"]].sum().to_list() == pytest.approx([50.0, 17.5])


def test_its_lines_of_python_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(compile("".join(_blocks("python")), "README.md", "exec"), names)  # noqa: S102 - our own README
    assert names["summary"]["frequency"].to_dict() == {"a": 1}
    assert names["value"].totals["current"].value > 0
    assert names["customers"].index.name == "customer_id"
    assert set(names["rfm"].frame.index) <= set(names["customers"].index)
