"""A real browser saves a chart of a page as PNG."""

from __future__ import annotations

import base64
import re
import struct
import subprocess
from pathlib import Path

import pytest

from crm_lib.exhibit import CHART_MIME
from crm_lib.reports.pdf import browser
from tests.reports.test_page import code, render

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#f00"/></svg>'
TOLD = """<script>
HTMLAnchorElement.prototype.click = function () { document.body.dataset.saved = this.download + "|" + this.href };
document.querySelector("button.save").click();
</script></body>"""


@pytest.mark.skipif(not browser(), reason="no Chromium is installed")
def test_the_button_under_a_chart_saves_it_three_times_as_large(tmp_path: Path) -> None:
    chart = {"name": "c", "title": "Sales & <returns>", "alt": "It rises.", "table": None, "table_html": ""}
    page = render(code("chart", {CHART_MIME: chart, "image/svg+xml": SVG}))
    assert page.count('<button type="button" class="save" hidden="">') == 1  # nothing to press where no script runs
    page = re.sub(r"<meta http-equiv=.*?>", "", page).replace("</body>", TOLD)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    command = [*browser(), f"--user-data-dir={tmp_path}", "--dump-dom", (tmp_path / "page.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    saved = re.search(r'data-saved="Sales &amp; &lt;returns&gt;.png\|data:image/png;base64,([^"]+)"', dom)
    assert saved, dom[-500:]
    assert struct.unpack(">II", base64.b64decode(saved[1])[16:24]) == (120, 60)
