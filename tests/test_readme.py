"""The README promises only what is there."""

import re
from pathlib import Path

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
