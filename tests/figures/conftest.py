"""What every chart must be as a reader gets it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from crm_lib import figures
from crm_lib.exhibit import TABLE_MIME


def drawn(chart, letters=110_000):
    """Draw the chart once; return its SVG and its fields after checking that it travels whole, light and alone."""
    data, metadata = chart._repr_mimebundle_()
    fields, svg = data[figures.CHART_MIME], data["image/svg+xml"]
    assert metadata["image/svg+xml"]["alt"] == fields["alt"] == data["text/plain"]
    assert fields["title"]
    assert fields["table"]["rows"]
    assert not re.search(r"\bnan\b|\{\w{2,}", (fields["alt"] + fields["title"]).lower())
    assert TABLE_MIME not in data  # the table behind a chart is the chart's, and not shown a second time
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 (our own text)
    assert len(svg) < letters
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"|<!DOCTYPE[^>]+>', "", svg)
    assert not re.search("<script|<b>", svg + fields["table_html"])
    _within_page(chart.axes.get_figure(root=True))
    return svg, fields


def _within_page(figure):
    for axes in figure.axes:
        low, high = sorted(axes.get_ylim())
        ticks = [each for each in axes.get_yticklabels() if axes.axison and low <= each.get_position()[1] <= high]
        for words in [*figure.texts, *axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label, *ticks]:
            if words.get_text():
                box = words.get_window_extent()
                assert figure.bbox.x0 - 1 <= box.x0, words.get_text()
                assert box.x1 <= figure.bbox.x1 + 1, words.get_text()
