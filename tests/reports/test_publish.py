"""A run is published whole or not at all; the latest good run is never damaged."""

from __future__ import annotations

import contextlib
import datetime as dt
import stat
from pathlib import Path

import pytest

from crm_lib.reports.publish import building, clear_abandoned, keep_newest, latest, new_run_id, publish, runs


def run_id(minute: int) -> str:
    return new_run_id(dt.date(2026, 6, 30), dt.datetime(2026, 11, 22, 10, minute, tzinfo=dt.UTC))


def make_run(folder: Path, minute: int, *, good: bool = True) -> Path:
    with building(folder, run_id(minute)) as aside:
        (aside / "index.html").write_text(str(minute))
        return publish(aside, good=good)


def test_the_newest_good_run_becomes_the_latest(tmp_path: Path) -> None:
    made = [make_run(tmp_path, 1), make_run(tmp_path, 2), make_run(tmp_path, 3, good=False)]
    assert latest(tmp_path) == made[1]
    assert (tmp_path / "latest" / "index.html").read_text() == "2"
    assert runs(tmp_path) == made


@pytest.mark.parametrize(("readers", "mode"), [("owner", 0o700), ("group", 0o750), ("all", 0o755)])
def test_a_run_is_readable_by_those_that_the_company_names(readers: str, mode: int, tmp_path: Path) -> None:
    with building(tmp_path, run_id(1)) as aside:
        (aside / "index.html").touch()
        assert stat.S_IMODE(aside.stat().st_mode) == 0o700
        run = publish(aside, good=True, readable_by=readers)
    assert stat.S_IMODE(run.stat().st_mode) == mode
    assert stat.S_IMODE((run / "index.html").stat().st_mode) == mode & 0o666


def test_a_folder_that_took_the_place_of_the_link_gives_way(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "index.html").write_text("a copy of long ago")
    made = make_run(tmp_path, 2)
    assert latest(tmp_path) == made
    assert (tmp_path / "latest" / "index.html").read_text() == "2"
    clear_abandoned(tmp_path)
    assert not list(tmp_path.glob(".removing-*"))


def test_what_was_built_half_is_never_seen(tmp_path: Path) -> None:
    with contextlib.suppress(RuntimeError), building(tmp_path, run_id(1)) as aside:
        (aside / "index.html").write_text("half")
        assert runs(tmp_path) == []
        raise RuntimeError
    assert runs(tmp_path) == []
    assert not list(tmp_path.glob(".building-*"))


def test_without_links_a_page_leads_to_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("a required privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    make_run(tmp_path, 1)
    second = make_run(tmp_path, 2)
    assert not (tmp_path / "latest").exists()
    assert f"url={second.name}/index.html" in (tmp_path / "latest.html").read_text()
    assert latest(tmp_path) == second


def test_what_a_killed_run_left_is_cleared_and_a_living_one_let_alone(tmp_path: Path) -> None:
    abandoned = tmp_path / f".building-{run_id(1)}"
    abandoned.mkdir()
    with building(tmp_path, run_id(2)) as living:
        assert clear_abandoned(tmp_path) == [abandoned]
        assert living.is_dir()
    assert not abandoned.exists()


def test_keeping_the_newest_runs_never_removes_the_latest_good_one(tmp_path: Path) -> None:
    good = make_run(tmp_path, 1)
    failed = [make_run(tmp_path, minute, good=False) for minute in (2, 3, 4)]
    (tmp_path / "rejected").mkdir()
    assert keep_newest(tmp_path, 1) == failed[:2]
    assert runs(tmp_path) == [good, failed[2]]
    assert latest(tmp_path) == good
    assert (tmp_path / "rejected").is_dir()


def test_runs_are_ordered_by_when_they_began_not_by_the_day_they_look_at(tmp_path: Path) -> None:
    now = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
    names = [new_run_id(dt.date(2026 - 2 * hour, 6, 30), now + dt.timedelta(hours=hour)) for hour in range(2)]
    for name in names:
        (tmp_path / name).mkdir()
    assert [run.name for run in runs(tmp_path)] == names
