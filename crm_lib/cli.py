"""The command line: from ``crm demo`` and ``check`` over ``report`` to ``score``, ``targets`` and ``customer``.

Exit codes: 0 when all went well, 1 when a notebook failed, 2 when something given cannot be used.

Each command imports what it needs itself, so that help and mistyped arguments are answered at once.
"""

from __future__ import annotations

import signal
import sys
import warnings
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from crm_lib import language
from crm_lib.errors import CompanyError, CrmError
from crm_lib.language import text

if TYPE_CHECKING:
    from crm_lib.company import CheckReport, Company

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=text("Customer relationship management: from a company's tables to a published report."),
)
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

CompanyName = Annotated[
    str, typer.Argument(metavar="COMPANY", help=text("Name of a folder under data/, or a folder with a company.toml."))
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help=text("Look at nothing later than this day (2026-06-30); default: as the data say."),
    ),
]
ReportsFolder = Annotated[
    Path | None,
    typer.Option("--reports", metavar="FOLDER", help=text("Where reports go; default: reports/ of the project.")),
]


class PurchaseModelName(StrEnum):
    """Models of purchases that customers can be scored by."""

    PARETO_NBD = "pareto-nbd"
    BG_NBD = "bg-nbd"
    MBG_NBD = "mbg-nbd"


class Edition(StrEnum):
    """Which notebooks belong to a report."""

    ROUTINE = "routine"
    ANNUAL = "annual"
    ALL = "all"


@app.command()
def demo(
    seed: Annotated[
        int, typer.Option(min=0, help=text("Start of the random numbers: the same seed, the same company."))
    ] = 20260101,
    customers: Annotated[int, typer.Option(min=1, help=text("How many customers."))] = 8000,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=text("Where the tables go; default: data/demo of the project.")),
    ] = None,
) -> None:
    """Simulate the demo company.

    A book shop with a paid membership, three years, all tables; the truth behind its numbers is written beside them.
    """
    from crm_lib.demo import simulate

    folder = to or _project() / "data" / "demo"
    try:
        simulation = simulate(seed=seed, customers=customers)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    simulation.write(folder)
    for name, frame in simulation.tables.items():
        _out.print(f"  {name:<16}{language.number(len(frame), 0):>10}", markup=False)
    _out.print(text("Written to {folder}.").format(folder=folder), markup=False)


@app.command()
def check(
    company: CompanyName,
    as_of: AsOf = None,
    rejected: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=text("Where rejected rows go; default: reports/COMPANY/rejected.")),
    ] = None,
) -> None:
    """Check a company's tables.

    Tells what is there, what was rejected and why, with the first offending rows, and what each notebook can do with
    it. Rejected rows are written aside. Exits with 2 if the company cannot be analysed.
    """
    from crm_lib.company import Company, check_company

    try:
        opened = Company.open(company, as_of)
    except CompanyError:
        # Where the tables are at fault, the report tells more than the error; where the settings are, this fails too.
        report = check_company(company, as_of)
        _print_lines(report.lines())
        if not report.fatal:
            raise
        _write_rejected(report, rejected)
        for fault in report.fatal:
            _err.print(f"{text('Fatal')}: {fault.table}: {fault.message}", markup=False, style="red")
        raise typer.Exit(2) from None
    _print_lines(opened.check.lines())
    _write_rejected(opened.check, rejected)
    _print_readiness(opened)


def _write_rejected(report: CheckReport, folder: Path | None) -> None:
    """Write rejected rows aside; files of an earlier check, mended since, go."""
    from crm_lib.company import write_rejected

    folder = folder or _project() / "reports" / report.key / "rejected"
    if write_rejected(report, folder):
        _out.print("\n" + text("Rejected rows were written to {folder}.").format(folder=folder), markup=False)


@app.command()
def report(
    company: CompanyName,
    notebook: Annotated[
        list[str] | None,
        typer.Option(
            "--notebook", "-n", metavar="NOTEBOOK", help=text("Number or name of a notebook; may be repeated.")
        ),
    ] = None,
    edition: Annotated[Edition, typer.Option(help=text("Which notebooks, where none is named."))] = Edition.ALL,
    as_of: AsOf = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help=text("Set a parameter (see: crm notebooks); may be repeated.")),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help=text("Notebooks at a time; default: 2."))] = None,
    reports: ReportsFolder = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help=text("Keep only so many runs of the company; default: all."))
    ] = None,
) -> None:
    """Publish a company's report.

    Runs the notebooks, several at a time, and publishes the report whole under reports/COMPANY/; the last good one is
    always at reports/COMPANY/latest/. Exits with 1 if a notebook failed: the others are published all the same.
    """
    from crm_lib.reports.run import run_report

    with _Bars() as bars:
        run = run_report(
            company,
            notebooks=notebook or (),
            edition=edition.value,
            as_of=as_of,
            parameters=parameter or (),
            jobs=jobs,
            reports=reports,
            keep=keep,
            progress=bars.move,
        )
    for outcome in run.outcomes:
        line = f"{outcome.notebook.key}: {text(outcome.status)}"
        if outcome.status == "skipped":
            line += f" – {outcome.why}"
        if outcome.failure:
            _err.print(f"{line} – {outcome.failure}", markup=False, style="red")
        else:
            _out.print(line, markup=False)
    _out.print(str(run.folder / "index.html"), markup=False)
    if not run.good:
        raise typer.Exit(1)


@app.command()
def score(
    company: CompanyName,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET",
            help=text(
                "A file (.parquet, .csv, or .duckdb for a table in it) or a database's URL; "
                "default: reports/COMPANY/scores.parquet."
            ),
        ),
    ] = None,
    as_of: AsOf = None,
    model: Annotated[
        PurchaseModelName, typer.Option(help=text("Model of purchases; notebook 07 recommends one."))
    ] = PurchaseModelName.PARETO_NBD,
    annual_rate: Annotated[
        float, typer.Option(min=0.001, max=2.0, help=text("Interest of a year, by which later money counts less."))
    ] = 0.1,
    horizon_days: Annotated[
        int, typer.Option(min=1, max=3660, help=text("Days over which purchases are expected."))
    ] = 365,
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help=text("Coverage of the intervals."))] = 0.9,
    seed: Annotated[
        int, typer.Option(min=0, help=text("Start of the random numbers behind the intervals."))
    ] = 20260101,
    table: Annotated[
        str, typer.Option(metavar="NAME", help=text("Name of the table in a database."))
    ] = "customer_scores",
    password_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help=text("Environment variable with the database's password."))
    ] = "",
) -> None:
    """Score a company's customers.

    Writes one row a customer: value with interval, probability of being a customer still, expected purchases, RFM
    scores and segment, and in what money, at what rate and over what time they are counted. What was there before is
    replaced whole.
    """
    from crm_lib import clv
    from crm_lib.company import Company
    from crm_lib.scoring import check_target, customer_scores, write_scores

    if to is not None:
        check_target(to, table)
    opened = Company.open(company, as_of)
    if to is None:
        folder = _project() / "reports" / opened.key
        folder.mkdir(parents=True, exist_ok=True)
        to = str(folder / "scores.parquet")
    models = {"pareto-nbd": clv.ParetoNBD, "bg-nbd": clv.BGNBD, "mbg-nbd": clv.MBGNBD}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        value = clv.customer_value(
            opened,
            model=models[model.value](),
            annual_rate=annual_rate,
            horizon_days=horizon_days,
            level=level,
            seed=seed,
        )
        scores = customer_scores(opened, value)
    _print_warnings(told)
    write_scores(scores, to, table=table, password_env=password_env)
    message = text("{customers} customers, together worth {value}; written to {target}.")
    count, total = language.number(len(scores), 0), value.totals["current"]
    _out.print(message.format(customers=count, value=total, target=to), markup=False)
    _out.print(value.convention, markup=False)


@app.command()
def customer(
    company: CompanyName,
    customer_id: Annotated[
        str,
        typer.Argument(metavar="ID", help=text("Number of the customer; after -- if it begins with a dash.")),
    ],
    as_of: AsOf = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=text("Write a page (.html) in place of printing; only you can read it.")),
    ] = None,
    model: Annotated[
        PurchaseModelName, typer.Option(help=text("Model of purchases; notebook 07 recommends one."))
    ] = PurchaseModelName.PARETO_NBD,
    annual_rate: Annotated[
        float, typer.Option(min=0.001, max=2.0, help=text("Interest of a year, by which later money counts less."))
    ] = 0.1,
) -> None:
    """Show all that is known of one customer.

    Prints what to do next and why, value and the chance of being a customer still, history, complaints, contacts,
    memberships, campaigns, answers and recommendations. The page holds personal data.
    """
    from crm_lib import clv
    from crm_lib.company import Company
    from crm_lib.customer_page import check_html, customer_page, print_page, write_html

    if html is not None:
        check_html(html)
    opened = Company.open(company, as_of)
    models = {"pareto-nbd": clv.ParetoNBD, "bg-nbd": clv.BGNBD, "mbg-nbd": clv.MBGNBD}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        page = customer_page(
            opened, customer_id, model=models[model.value](), annual_rate=annual_rate, with_charts=html is not None
        )
    _print_warnings(told)
    if html is None:
        print_page(page, _out)
    else:
        write_html(page, html)
        _out.print(text("Written to {folder}.").format(folder=html), markup=False)


def _print_warnings(told: list[warnings.WarningMessage]) -> None:
    for message in dict.fromkeys(str(each.message) for each in told if issubclass(each.category, UserWarning)):
        _err.print(f"{text('Warning:')} {message}", markup=False, style="yellow")


@app.command()
def freeze(
    company: CompanyName,
    as_of: AsOf = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help=text("Estimate the cut points of a segments.toml anew; the old file is kept as .bak.")
        ),
    ] = False,
) -> None:
    """Freeze a company's segments.

    Writes segments.toml beside company.toml: who is scored, the cut points as of today, and the rules of the segments.
    Reports, scores and lists keep to it from then on, so that customers move and segments do not. Change it by hand as
    you like; whether its rules take every customer exactly once is checked whenever it is read.
    """
    from crm_lib import segments
    from crm_lib.company import Company

    opened = Company.open(company, as_of)
    file = opened.folder / segments.DEFINITIONS_FILE
    if file.exists() and not again:
        raise CrmError(
            f"{file} is there already; --again estimates its cut points anew and keeps its rules, but not its comments "
            "(the old file stays as .bak)"
        )
    found = segments.estimated(segments.definitions_of(opened, anew=True), opened)
    aside = file.with_suffix(".toml.new")
    aside.write_text(found.to_toml(), encoding="utf-8")
    if file.exists():
        file.replace(file.with_suffix(".toml.bak"))
    aside.replace(file)
    _out.print(text("Written to {folder}.").format(folder=file), markup=False)


@app.command()
def targets(
    company: CompanyName,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=text("Where the lists go; default: reports/COMPANY/targets.")),
    ] = None,
    as_of: AsOf = None,
    window_days: Annotated[
        int, typer.Option(min=1, max=3660, help=text("Days over which customers are scored, without a segments.toml."))
    ] = 365,
    levels: Annotated[int, typer.Option(min=3, max=5, help=text("Number of RFM scores, likewise."))] = 5,
    dissatisfied_below: Annotated[
        float, typer.Option(min=1, max=10, help=text("Answers with a satisfaction below this are dissatisfied."))
    ] = 6.0,
    contact_cost: Annotated[
        float, typer.Option(min=0, help=text("Cost of a personal contact, in the company's currency."))
    ] = 3.5,
    saved_share: Annotated[
        float, typer.Option(min=0.001, max=1, help=text("Part of those about to leave whom such a contact keeps."))
    ] = 0.1,
    risk_days: Annotated[
        int, typer.Option(min=1, max=3660, help=text("Days ahead over which the risk of falling silent is told."))
    ] = 91,
    false_alarm: Annotated[
        float,
        typer.Option(
            min=0.001, max=0.999, help=text("Share of customers not in decline who may be warned of in a quarter.")
        ),
    ] = 0.05,
) -> None:
    """Write lists of customers to contact.

    One file for each purpose, and a workbook of all: customer's id, segment, tier, value at stake, reason, whether this
    is the customer's most urgent list, and the others that the customer is on; the largest value first. Who did not
    agree to be contacted is in files of their own.
    """
    from crm_lib.company import Company
    from crm_lib.scoring import company_lists, write_lists
    from crm_lib.segments import definitions_of, segment_customers

    opened = Company.open(company, as_of)
    lists = company_lists(
        opened,
        segmented=segment_customers(opened, definitions_of(opened, window_days=window_days, levels=levels)),
        dissatisfied_below=dissatisfied_below,
        contact_cost=contact_cost,
        saved_share=saved_share,
        risk_days=risk_days,
        false_alarm=false_alarm,
    )
    folder = to or _project() / "reports" / opened.key / "targets"
    write_lists(lists, folder)
    for each in lists.lists:
        words = text("{title}: {count} to contact, {withheld} without permission")
        count, withheld = (language.number(len(part), 0) for part in (each.frame, each.withheld))
        _out.print(f"  {words.format(title=text(each.title), count=count, withheld=withheld)}", markup=False)
    whole = {str(name): language.number(count, 0) for name, count in lists.overview().iloc[-1].items()}
    words = text("In all {may_contact} customers to contact, {withheld} without permission; {several} on several lists")
    _out.print(f"  {words.format(**whole)}", markup=False)
    for name, why in lists.left_out.items():
        line = text("Left out: {what}. Why: {why}.").format(what=name, why=why)
        _out.print(f"  {line}", markup=False)
    if not lists.permission_known:
        words = text("The company does not record who agreed to be contacted: make sure before anybody is.")
        _err.print(f"{text('Warning:')} {words}", markup=False, style="yellow")
    _out.print(text("Written to {folder}.").format(folder=folder), markup=False)


@app.command()
def notebooks() -> None:
    """List the notebooks.

    Tells the edition of each, the tables that it needs and can use, and its parameters with their defaults.
    """
    from crm_lib.reports.notebooks import all_notebooks, find_folder
    from crm_lib.reports.parameters import SET_BY_COMMAND

    for each in all_notebooks(find_folder()):
        _out.print(f"[bold]{escape(each.key)}[/] · {escape(each.title)} · {text(each.edition)}")
        for label, tables in ((text("needs"), each.needs), (text("can use"), each.uses)):
            if tables:
                wanted = (f"{name} ({', '.join(columns)})" if columns else name for name, columns in tables.items())
                _out.print(f"  {label}: {', '.join(wanted)}", markup=False)
        for parameter in each.parameters:
            if parameter.name not in SET_BY_COMMAND:
                shown = f"  -p {parameter.name}={_written(parameter.default)}"
                _out.print(f"{shown}  ({parameter.type}) {parameter.meaning}", markup=False)


@app.command()
def dictionary(
    write: Annotated[
        bool, typer.Option("--write", help=text("Write it to data/README.md instead of showing it."))
    ] = False,
) -> None:
    """Show the data dictionary.

    Every table and column that a company may bring, and how its company.toml is written.
    """
    from crm_lib.company.dictionary import dictionary as written
    from crm_lib.company.dictionary import write_dictionary

    if write:
        path = write_dictionary(_project() / "data")
        _out.print(text("Written to {folder}.").format(folder=path), markup=False)
    else:
        print(written())  # noqa: T201 - as it is, for a pipe


def main() -> None:
    """Run the command line; errors that a user can mend are told without a traceback."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except CrmError as error:
        _err.print(f"[bold red]{escape(text('Error:'))}[/] {escape(str(error))}")
        sys.exit(2)


def _stop(number: int, _: FrameType | None) -> None:
    # As an exception, so that kernels are ended and what was half built is removed.
    sys.exit(128 + number)


def _project() -> Path:
    """Return the folder of the project: the nearest one upwards that has data/, or else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "data").is_dir()), here)


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        _out.print(line, markup=False)


def _print_readiness(company: Company) -> None:
    from crm_lib.reports.notebooks import NotebookError, all_notebooks, find_folder

    try:
        folder = find_folder()
    except NotebookError:
        return  # tables can be checked where no notebooks are
    _out.print("\n" + text("What the notebooks can do with it:"), markup=False)
    for each in all_notebooks(folder):
        missing, unused = each.missing(company), each.unused(company)
        if missing:
            state = text("not possible: lacks {missing}").format(missing=", ".join(missing))
        elif unused:
            state = text("partly: lacks {missing}").format(missing=", ".join(unused))
        else:
            state = text("ready")
        _out.print(f"  {each.key}: {state}", markup=False)


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() if value is None else str(value)


class _Bars:
    """A bar a notebook; nothing is drawn before the first notebook starts."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=_err
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._progress.stop()

    def move(self, key: str, cell: int, cells: int) -> None:
        """Show that a cell was finished."""
        self._progress.start()
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(key, total=None)
        self._progress.update(self._tasks[key], completed=cell, total=cells or None)
