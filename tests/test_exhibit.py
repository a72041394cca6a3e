import datetime as dt
import json

import pandas as pd
import pytest

from crm_lib.estimate import Estimate
from crm_lib.exhibit import TABLE_MIME, Table


def _table(**more):
    frame = pd.DataFrame(
        {"region": ["North", "<b>South</b>", None], "revenue": [1234.5, -20.0, None], "part": [0.25, 0.5, 0.25]}
    )
    return Table(**{"name": "t", "title": "Revenue", "frame": frame, **more})


def test_values_are_escaped_and_written_as_people_write():
    html = _table(kinds={"revenue": "money", "part": "share"}, currency="GBP").to_html()
    assert "&lt;b&gt;South" in html
    assert "<b>" not in html
    for written in ("£1,234", "−£20.00", "25.0%", "–"):
        assert written in html


def test_the_whole_table_travels_though_few_rows_are_printed():
    table = Table(name="t", title="T", frame=pd.DataFrame({"n": range(200)}), rows_shown=5)
    bundle = table._repr_mimebundle_()
    assert len(bundle[TABLE_MIME]["rows"]) == 200
    assert bundle["text/html"].count("<tr>") == 6
    assert "5 of 200 rows" in bundle["text/html"]


def test_a_table_of_a_page_or_two_is_whole_in_its_html_and_folded():
    html = Table(name="t", title="T", frame=pd.DataFrame({"n": range(100)}), rows_shown=5).to_html()
    at_once, folded = html.split('<tbody class="more" hidden>')
    assert (at_once.count("<tr>"), folded.count("<tr>")) == (1 + 5, 95)
    assert "5 of 100 rows" in html


def test_the_travelling_table_is_plain_json():
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-01-02", None]),
            "count": pd.array([1, None], dtype="Int64"),
            "e": [Estimate(value=2.0, low=1.0, high=3.0, n=5, method="x"), None],
        },
        index=pd.Index(["a", "b"], name="customer_id"),
    )
    fields = json.loads(json.dumps(Table(name="t", title="T", frame=frame).to_dict(), allow_nan=False))
    assert fields["labels"] == ["Customer id", "Day", "Count", "E"]
    assert fields["rows"][0] == ["a", "2026-01-02T00:00:00", 1, "2.0 [1.0, 3.0]"]
    assert fields["rows"][1] == ["b", None, None, None]


def test_dates_are_written_in_words():
    table = Table(name="t", title="T", frame=pd.DataFrame({"day": [dt.date(2026, 11, 22)]}))
    assert "22 Nov 2026" in table.to_html()


@pytest.mark.parametrize(
    ("more", "message"),
    [({"kinds": {"profit": "money"}}, "no columns"), ({"kinds": {"revenue": "money"}}, "currency")],
)
def test_a_wrong_description_is_refused(more, message):
    with pytest.raises(ValueError, match=message):
        _table(**more)
