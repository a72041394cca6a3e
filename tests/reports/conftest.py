"""A small project: a company and notebooks that show one of each kind of exhibit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """company: str = "shop"  # name of the company
as_of: str | None = None  # last day looked at
seed: int = 7  # start of the random numbers
levels: int = 5  # groups a score (3 to 5)
"""

SHOP = """
[company]
name = "Corner <shop>"
currency = "GBP"

[tables.transactions]
file = "transactions.csv"

[tables.customers]
file = "customers.csv"
"""

TRANSACTIONS = """order_id,customer_id,ordered_at,revenue,product
o1,a,2025-01-10 10:00,20.0,=cmd|' /C calc'!A0
o2,b,2025-01-15 09:30,12.5,tea
o3,a,2025-02-01 18:45,30.0,tea
o4,c,2025-02-20 12:00,99.9,jam
o5,b,2025-03-05 08:15,text,jam
o6,c,2025-03-31 16:20,45.0,tea
"""

CUSTOMERS = """customer_id,name,region
a,<script>alert('owned')</script>,north
b,Zoë O'Neil,south
c,陈明,north
"""

GOOD_CELLS = (
    "# Who buys?\n\nThe **idea**: $L(p) = \\frac{1}{2}$ <b>bold</b>.",
    "%load_ext crm_lib.notebook\n"
    "from crm_lib.company import Company\n"
    "from crm_lib.errors import MissingData\n"
    "from crm_lib.estimate import Estimate\n"
    "from crm_lib.exhibit import Table\n"
    "from crm_lib.figures.chart import Chart\n"
    "from crm_lib.figures.style import new_axes\n"
    "from crm_lib.finding import Criterion, Finding\n"
    "shop = Company.open(company, as_of=as_of)",
    "## The data",
    "frame = shop.frame('customers').assign(value=1 / 3)\n"
    "table = Table(name='customers', title='All customers', frame=frame, source='customers')\n"
    "table",
    "products = shop.frame('transactions')[['product', 'revenue']]\n"
    "Table(name='products', title='Products', frame=products, kinds={'revenue': 'money'}, currency=shop.currency)",
    "axes = new_axes()\n"
    "axes.plot([1, 2, levels])\n"
    "Chart(name='line', title='A line', axes=axes, alt='A line that rises.', table=table, source='transactions')",
    "frame",
    "## What follows",
    "estimate = Estimate(value=0.7, low=0.6, high=0.8, n=3, method='counted', unit='share')\n"
    "Finding(key='demo.best', claim='The best bring most.', source='textbook', estimate=estimate,\n"
    "        criterion=Criterion(low=0.5), sentence='They bring {estimate}.',\n"
    "        if_supported='Look after them.', if_not_supported='Leave it.', if_undecided='Wait.')",
    "## Regions",
    "regions = shop.frame('surveys')\nprint('never printed')",
)


def write_notebook(
    folder: Path, name: str, cells: Sequence[str], *, title: str = "", parameters: str = PARAMETERS, **about: Any
) -> Path:
    """Write a notebook; a cell that begins with # and a space, or ##, is prose."""
    written = [
        new_markdown_cell(source, id=f"cell{index}")
        if source.startswith(("# ", "## "))
        else new_code_cell(source, id=f"cell{index}")
        for index, source in enumerate(cells)
    ]
    if parameters:
        written.insert(0, new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}))
    crm = {"title": title or name, "edition": "routine", "needs": {"transactions": []}, "uses": {}, **about}
    document = new_notebook(cells=written, metadata={"crm": crm})
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(document, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


@pytest.fixture(scope="session")
def notebook_writer() -> Callable[..., Path]:
    """Return the function that writes a notebook."""
    return write_notebook


def write_project(root: Path) -> Path:
    """Write a project of one company and two notebooks, of which the second needs a table that is not there."""
    shop = root / "data" / "shop"
    shop.mkdir(parents=True)
    for name, content in (("company.toml", SHOP), ("transactions.csv", TRANSACTIONS), ("customers.csv", CUSTOMERS)):
        (shop / name).write_text(content, encoding="utf-8")
    (root / "requirements.lock").write_text("nothing==1\n", encoding="utf-8")
    uses = {"customers": ["region"], "surveys": []}
    write_notebook(root / "notebooks", "06_buyers", GOOD_CELLS, title="Buyers", uses=uses)
    write_notebook(root / "notebooks", "09_answers", ["## Answers"], title="Answers", needs={"surveys": ["loyalty"]})
    return root


@pytest.fixture(scope="session")
def project_writer() -> Callable[[Path], Path]:
    """Return the function that writes a project."""
    return write_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a small project, which is the current folder."""
    monkeypatch.chdir(write_project(tmp_path / "project"))
    return tmp_path / "project"
