"""A real browser opens a report: nothing asks the network or fails, all can be reached, read and printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crm_lib.reports import pdf
from crm_lib.reports.run import run_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.skipif(not pdf.browser(), reason="no browser is installed (apt-get install chromium)")
PAGES = ("index", "06_segmentation", "09_satisfaction")
WIDTHS = (390, 1280, 1920)
NARROW, USUAL, WIDE = WIDTHS
MEGABYTE, PAGE = 1_000_000, 500_000


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report of the demo: the first and a short notebook."""
    return run_report("demo", notebooks=["06", "09"], reports=tmp_path_factory.mktemp("reports")).folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=pdf.browser()[0], args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Return an empty page; what it asks of the network, and what its console says, fails the test."""
    opened, told = browser.new_page(reduced_motion="reduce"), []
    opened.on("request", lambda request: request.url.startswith(("file:", "data:")) or told.append(request.url))
    opened.on("console", lambda message: told.append(message.text))
    opened.on("pageerror", lambda error: told.append(str(error)))
    yield opened
    opened.close()
    assert told == []


def show(page: Any, report: Path, name: str, width: int = USUAL) -> Any:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((report / f"{name}.html").as_uri())
    return page


def shown(page: Any, selector: str) -> int:
    return int(page.locator(f"{selector} >> visible=true").count())


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_window(page: Any, report: Path, name: str) -> None:
    for width in WIDTHS:
        show(page, report, name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["index", "09_satisfaction"])
def test_pages_keep_the_rules_of_accessibility(page: Any, report: Path, name: str) -> None:
    show(page, report, name, NARROW)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response
    assert [(rule["id"], rule["nodes"][0]["target"]) for rule in found["violations"]] == []
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}


def test_findings_are_filtered_by_words_and_verdict_and_shown_again(page: Any, report: Path) -> None:
    show(page, report, "index")
    every, row = shown(page, "li[data-verdict]"), "li[data-verdict]"
    assert page.locator("output").inner_text() == f"{every} of {every} findings"
    page.get_by_placeholder("Words to look for").fill("TOP customers")
    told = page.locator(f"{row} >> visible=true").all_inner_texts()
    assert 0 < len(told) < every
    assert all("top" in text.lower() and "customers" in text.lower() for text in told)
    assert page.locator("output").inner_text() == f"{len(told)} of {every} findings"
    assert shown(page, "section.group") == len(page.locator(f"section.group:has({row}:not([hidden]))").all())
    page.get_by_role("button", name="Show all").click()
    page.locator("output").filter(has_text=f"{every} of {every} findings").wait_for()
    unsupported = shown(page, f"{row}[data-verdict='not supported']")
    page.get_by_label("not supported").uncheck()
    assert (shown(page, row), shown(page, f"{row}[data-verdict='not supported']")) == (every - unsupported, 0)
    page.get_by_role("button", name="Show all").click()
    page.locator("output").filter(has_text=f"{every} of {every} findings").wait_for()
    assert shown(page, row) == every


def test_without_scripts_all_findings_are_there_and_lead_to_their_place(browser: Any, report: Path) -> None:
    page = browser.new_page(java_script_enabled=False, reduced_motion="reduce")
    show(page, report, "index")
    assert shown(page, "form") == 0
    links = [link.get_attribute("href") for link in page.locator("li[data-verdict] a").all()]
    assert len(links) == shown(page, "li[data-verdict]") > 0
    page.locator("li[data-verdict] a").last.click()
    assert page.url.endswith(links[-1])
    assert page.locator(f"[id='{links[-1].partition('#')[2]}']").bounding_box()["y"] < 900
    page.close()


@pytest.mark.parametrize("name", PAGES[1:])
def test_contents_lead_where_they_say(page: Any, report: Path, name: str) -> None:
    show(page, report, name)
    links = page.evaluate("[...document.querySelectorAll('.contents a')].map((each) => [each.hash, each.textContent])")
    assert len(links) > 5
    for target, words in links:
        heading = page.locator(f"[id='{target[1:]}']")
        assert heading.evaluate("(each) => /^H[23]$/.test(each.tagName) && each.textContent") == words
    page.get_by_role("navigation", name="Contents").get_by_role("link").nth(4).click()
    assert -1 <= page.locator(f"[id='{links[4][0][1:]}']").bounding_box()["y"] < 200


FOCUSED = """() => { const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    return { name: at.textContent.trim() || at.name, seen: style.outlineStyle !== "none" && box.width > 0,
             place: [...document.querySelectorAll("*")].indexOf(at) }; }"""


@pytest.mark.parametrize("name", PAGES[:2])
def test_the_keyboard_goes_through_the_page_in_its_order_and_shows_where_it_is(
    page: Any, report: Path, name: str
) -> None:
    show(page, report, name)
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
    assert stops[0]["name"] == "To the content"
    assert all(stop["seen"] for stop in stops)
    assert [stop["place"] for stop in stops] == sorted({stop["place"] for stop in stops})


def test_wide_screens_show_figures_beside_their_text(page: Any, report: Path) -> None:
    beside = "document.querySelector('.step:has(.shown figure) .{0}').getBoundingClientRect().{1}"
    for width, holds in ((USUAL, False), (WIDE, True)):
        show(page, report, "06_segmentation", width)
        right = page.evaluate(beside.format("said", "right"))
        assert (page.evaluate(beside.format("shown", "left")) > right) is holds


def test_long_tables_are_folded_and_open(page: Any, report: Path) -> None:
    show(page, report, "06_segmentation")
    long = page.locator(".scroll:has(> .all)").first
    folded = long.locator("tr >> visible=true").count()
    long.get_by_text("Show all").click()
    assert long.locator("tr >> visible=true").count() > folded


def test_pages_and_executed_notebooks_are_light(report: Path) -> None:
    for name in PAGES[1:]:
        assert (report / f"{name}.html").stat().st_size <= PAGE
        assert (report / f"{name}.ipynb").stat().st_size <= MEGABYTE
