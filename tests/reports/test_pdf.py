"""Pages as PDF, printed by a real browser, and what is told where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_lib.reports import pdf

PAGE = """<!doctype html><meta charset="utf-8"><title>Findings</title>
<p><a href="06_x.html#a">Page</a> <a href="#b">Part</a> <a href="https://example.org/">Source</a><h2 id="b">Part</h2>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("index", "06_x"):
        (tmp_path / f"{name}.html").write_text(PAGE, encoding="utf-8")
    return tmp_path


@pytest.mark.skipif(not pdf.browser(), reason="no Chromium is installed")
def test_every_page_is_printed_without_a_path_of_this_computer(folder: Path) -> None:
    assert pdf.print_pages(folder, jobs=2) == ()
    for name in ("index.pdf", "06_x.pdf"):
        printed = (folder / name).read_bytes()
        assert printed.startswith(b"%PDF")
        assert b"https://example.org/" in printed
        assert b"file:" not in printed
        assert str(folder).encode() not in printed


def test_without_a_browser_the_pages_stand_and_it_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    (told,) = pdf.print_pages(folder, jobs=1)
    assert told.startswith("nothing was printed as PDF: install one of chromium")
    (folder / "chromium").write_text("#!/bin/sh\necho starting >&2\necho no display >&2\nexit 3\n")
    (folder / "chromium").chmod(0o755)
    told = " ".join(pdf.print_pages(folder, jobs=2))
    assert "'06_x.html' was not printed as PDF: no display" in told
    assert "'index.html'" in told
    assert not list(folder.glob("*.pdf"))
