"""The pages of a run as PDF, printed by a browser without a window, where one is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crm_lib.language import say

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_ELSEWHERE = re.compile(r' href="(?!#|https?:|mailto:)[^"]*"')
_LONGEST = 180.0  # seconds for a page


def browser() -> list[str]:
    """Return the command that starts a browser without a window; nothing where none is installed."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        return []
    alone = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # as root it refuses to start with it
    return [found, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", *alone]


def print_pages(folder: Path, *, jobs: int) -> tuple[str, ...]:
    """Print every page in a folder as PDF beside it, and return what went wrong."""
    command = browser()
    if not command:
        return (say("nothing was printed as PDF: install one of {names}", names=", ".join(_BROWSERS)),)
    with ThreadPoolExecutor(jobs) as pool:
        told = pool.map(lambda page: _printed(page, command), sorted(folder.glob("*.html")))
        return tuple(filter(None, told))


def _printed(page: Path, command: list[str]) -> str:
    """Print one page; return what went wrong."""
    with tempfile.TemporaryDirectory(prefix="crm-", ignore_cleanup_errors=True) as aside:
        copy, made = Path(aside, page.name), Path(aside, "made.pdf")
        # A link to another file would carry the path of this computer.
        copy.write_text(_ELSEWHERE.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
        options = [f"--user-data-dir={aside}/profile", "--no-pdf-header-footer", f"--print-to-pdf={made}"]
        try:
            done = subprocess.run(  # noqa: S603 - a program that is installed, and our own page
                [*command, *options, copy.as_uri()], capture_output=True, text=True, errors="replace",
                timeout=_LONGEST, check=False,
            )  # fmt: skip
            if made.is_file():
                shutil.copyfile(made, page.with_suffix(".pdf"))
                return ""
            why = done.stderr.strip().rpartition("\n")[2] or f"{Path(command[0]).name}: {done.returncode}"
        except (OSError, subprocess.TimeoutExpired) as error:
            page.with_suffix(".pdf").unlink(missing_ok=True)
            why = str(error)
    return say("'{page}' was not printed as PDF: {why}", page=page.name, why=why)
