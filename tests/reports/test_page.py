"""A page shows everything the notebook shows, needs nothing from the network, and runs nothing but its own script."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.exhibit import CHART_MIME, Table
from crm_lib.finding import Criterion, Finding
from crm_lib.notebook import Note
from crm_lib.reports.documents import collect
from crm_lib.reports.execute import Order, Outcome
from crm_lib.reports.notebooks import Notebook
from crm_lib.reports.page import render_page
from crm_lib.reports.parameters import read_parameters
from crm_lib.reports.templates import script, strip
from tests.reports.shop import HOSTILE, finding

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><text>chart</text></svg>'
SHOP: Any = SimpleNamespace(name=f"Shop {HOSTILE}", as_of=dt.date(2026, 6, 30))
RUN = Order(
    run_id="2026-06-30_20261122T100000Z_abcdef", company=SHOP, started=dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
    values={"06_x": {"company": "shop", "levels": 4}}, root=Path(), hidden={},
)  # fmt: skip


def read(page: str) -> tuple[ET.Element, str]:
    """Return a page as a tree and its text; strict: every element has to be closed in its order."""
    closed = re.sub(r"<((?:meta|img|br|hr)\b[^>]*)>", r"<\1/>", page.partition("<!doctype html>")[2])
    tree = ET.fromstring(closed.replace(" download>", ' download="">'))  # noqa: S314 - our own page
    return tree, re.sub(r"\s+", " ", " ".join(tree.find("body").itertext()))


def found(**more: Any) -> Finding:
    stake = Estimate(value=1000, low=900, high=1100, n=3, method="counted", unit="GBP")
    return finding(claim=f"A claim {HOSTILE}.", sentence="They bring {estimate}.", money_at_stake=stake, **more)


def code(source: str, shown: Any = None, **metadata: Any) -> NotebookNode:
    """Return a cell of code; what it shows is an output, an exhibit, or plain values."""
    if not isinstance(shown, NotebookNode | None):
        data = shown if isinstance(shown, dict) else shown._repr_mimebundle_()
        shown = new_output("display_data", data=data)
    return new_code_cell(source, outputs=[shown] if shown else [], execution_count=3, metadata=metadata)


def render(*cells: NotebookNode) -> str:
    parameters = read_parameters("company: str = 'demo'  # the company\nlevels: int = 5  # groups a score")
    notebook = Notebook(path=Path("06_x.ipynb"), title="Segments", edition="routine", parameters=parameters)
    document = new_notebook(cells=list(cells))
    outcome = Outcome(notebook=notebook, status="done", shown=collect(document))
    return render_page(document, outcome, run=RUN)


def everything() -> list[NotebookNode]:
    table = Table(name="t", title=f"Names {HOSTILE}", frame=pd.DataFrame({"name": [HOSTILE, "b"], "n": [1, 2]}))
    words = {"name": "c", "title": f"Sales a year {HOSTILE}", "alt": f'It "rises" {HOSTILE}', "source": "sales"}
    chart = {**words, "table": None, "table_html": table.to_html()}
    foreign = f"<table><tr><td onclick='x()'>{HOSTILE}</td></tr></table>"
    return [
        new_markdown_cell(f"# Who buys?\n\nText with $x^2$ and {HOSTILE}.\n\n![remote](https://example.org/x.png)"),
        code("levels = 4", tags=["injected-parameters"]),
        new_markdown_cell("## First part\n\n### Detail\n\n## First part"),
        code(f"print('{HOSTILE}')", new_output("stream", name="stdout", text=HOSTILE)),
        code("table", table),
        code("chart", {CHART_MIME: chart, "image/svg+xml": SVG}),
        code("finding", found()),
        code("skip", Note(why=f"needs {HOSTILE}")),
        code("frame", {"text/html": foreign}),
        code("plain", {"text/plain": HOSTILE}),
        code("words", {"text/markdown": f"*said* {HOSTILE}"}),
        code("picture", {"image/png": "iVBORw0KGgo=\n"}),
        code("warned", new_output("stream", name="stderr", text="\x1b[31mFutureWarning\x1b[0m")),
        code("1/0", new_output("error", ename="ValueError", evalue=HOSTILE, traceback=[f"\x1b[31m{HOSTILE}"])),
    ]


@pytest.fixture(scope="module")
def page() -> str:
    return render(*everything())


@pytest.fixture(scope="module")
def tree(page: str) -> ET.Element:
    return read(page)[0]


@pytest.fixture(scope="module")
def text(page: str) -> str:
    return read(page)[1]


def test_nothing_of_the_data_becomes_an_element(tree: ET.Element, text: str) -> None:
    assert [each.text for each in tree.iter("script")] == [str(script("picture.js")["script"])]
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on")]
    # As text it is shown in each place that it came to: nothing was lost either.
    assert text.count("alert('owned')") >= 10


def test_the_page_asks_the_network_for_nothing(page: str, tree: ET.Element) -> None:
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {each.tag for each in tree.iter()}
    for element in tree.iter():
        for name in ("src", "srcset", "poster", "data", "background", "action"):
            assert element.get(name, "data:").startswith("data:"), element.attrib
    assert not re.search(r"@import|url\(", page)
    policy = tree.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    assert re.match(r"default-src 'none'; script-src 'sha256-[\w+/]+='; img-src data:;", policy)
    assert "https://example.org/x.png" in page  # the picture from elsewhere, turned into a reference
    assert not re.search(r"https?://", page.replace("https://example.org/x.png", ""))


def test_a_chart_is_kept_whole_and_its_title_is_told_to_who_cannot_see_it(tree: ET.Element, text: str) -> None:
    chart, bare = tree.findall(".//figure")
    assert chart.get("aria-label") == f"Sales a year {HOSTILE}"
    assert "Sales a year" not in text
    assert chart.find("img").get("alt") == f'It "rises" {HOSTILE}'
    assert bare.find("img").get("alt") == "Chart without a description"
    kind, _, drawing = chart.find("img").get("src").partition(",")
    assert kind == "data:image/svg+xml;charset=utf-8"
    assert unquote(drawing) == SVG
    assert "The numbers behind this chart" in text


@pytest.mark.parametrize(
    "part",
    [
        *("✔ supported", "They bring 70% [60%, 80%].", "Look after them.", "£1,000 [£900, £1,100]"),  # of a finding
        *("30 Jun 2026", RUN.run_id, "levels = 4", "groups a score", "Who buys?", "FutureWarning"),
    ],
)
def test_findings_day_run_and_parameters_in_effect_are_told(text: str, part: str) -> None:
    assert part in text


def test_contents_lead_to_headings_that_are_there_once(tree: ET.Element) -> None:
    targets = [link.get("href") for link in tree.iter("a") if link.get("href").startswith("#")]
    ids = [element.get("id") for element in tree.iter() if "id" in element.attrib]
    assert targets == ["#main", "#k", "#first-part", "#detail", "#first-part-2"]
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in targets} <= set(ids)
    assert len(tree.findall(".//h1")) == 1


def test_formulas_become_mathml_and_messages_lose_the_colours_of_a_terminal(page: str) -> None:
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in page
    assert "\x1b" not in page


def test_the_language_of_the_page_is_said(tree: ET.Element) -> None:
    try:
        language.set_language("de_DE")
        german, text = read(render(new_markdown_cell("# Wer kauft?")))
    finally:
        language.set_language("en_GB")
    assert (tree.get("lang"), german.get("lang")) == ("en-GB", "de-DE")
    assert "30.06.2026" in text


def test_the_strip_of_a_finding_keeps_the_order_of_its_numbers() -> None:
    places = strip(found(criterion=Criterion(low=0.75, high=0.85)).to_dict())
    assert places is not None
    ends = [places["low"], places["value"], places["claim_low"], places["low"] + places["width"]]
    assert ends == sorted(ends)
    assert places["claim_low"] + places["claim_width"] == pytest.approx(100 - places["low"])
    # 0.6 to 0.85 with 12 % of room either side: 0.7 stands at (0.12 + 0.1 / 0.25) / 1.24.
    assert places["value"] == pytest.approx(100 * (0.12 + 0.4) / 1.24, abs=0.01)
