"""The same seed gives the same company; what is written can be read; nothing is half written."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.demo import Parameters, simulate, simulation, truth
from crm_lib.demo.market import SWITCHING
from crm_lib.demo.parameters import Dirt
from crm_lib.demo.people import CHANNELS
from crm_lib.errors import CompanyError, CrmError
from crm_lib.schema import TABLES

ROOT = Path(__file__).parents[2]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_writes_the_same_bytes(small, tmp_path):
    small.write(tmp_path / "one")
    simulate(seed=5, customers=200).write(tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_other_dirt_leaves_the_truth_and_the_other_tables_alone(small):
    clean = Parameters(dirt=Dirt(returned=0.0, duplicates=0.0, late=0.0, category_missing=0.0, region_missing=0.0))
    other = simulate(seed=5, customers=200, parameters=clean)
    for name, table in small.tables.items():
        if name not in {"transactions", "customers"}:
            pd.testing.assert_frame_equal(table, other.tables[name])
    for name, table in small.truth.items():
        pd.testing.assert_frame_equal(table, other.truth[name])
    assert not other.tables["transactions"].duplicated("line_id").any()
    assert (other.tables["transactions"]["revenue"] > 0).all()


@pytest.mark.parametrize(("settings", "message"), [({"customers": 10}, "at least 50"), ({"seed": -1}, "negative")])
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        simulate(**settings)


def test_the_truth_is_read_back_where_it_was_written(small, tmp_path):
    with pytest.raises(CompanyError, match="crm demo"):
        truth(tmp_path)
    small.write(tmp_path)
    read = truth(tmp_path)
    assert set(read) == set(small.truth)
    for name, table in small.truth.items():
        pd.testing.assert_frame_equal(read[name], table, check_dtype=False)


def test_the_parameters_are_written_as_toml(small, tmp_path):
    small.write(tmp_path)
    read = tomllib.loads((tmp_path / "truth" / "parameters.toml").read_text(encoding="utf-8"))
    expected = asdict(small.parameters)
    expected["buying"]["months"] = list(expected["buying"]["months"])
    assert {topic: read[topic] for topic in expected} == expected
    assert read["brand_switching"]["Lantern Books"]["Lantern Books"] == SWITCHING[0, 0]
    assert read["acquisition_channels"]["referral"]["cost"] == CHANNELS["referral"]["cost"]


def test_a_write_that_fails_leaves_the_old_file_whole(small, tmp_path, monkeypatch):
    small.write(tmp_path)
    before = files(tmp_path)

    def fail(_: pd.DataFrame, path: Path, **__: object) -> None:
        path.write_text("half a file")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(CrmError, match="disk full"):
        small.write(tmp_path)
    assert files(tmp_path) == before


def test_the_settings_of_the_demo_company_name_the_files_that_are_written():
    settings = tomllib.loads((ROOT / "data" / "demo" / "company.toml").read_text(encoding="utf-8"))
    assert {name: table["file"] for name, table in settings["tables"].items()} == {
        name: simulation.table_file(name) for name in TABLES
    }
    assert settings["company"]["currency"] == "GBP"
    assert "margin_rate" not in settings["company"]
