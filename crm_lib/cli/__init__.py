"""The command line: from ``crm demo`` and ``check`` over ``report`` to ``score``, ``targets`` and ``customer``.

Exit codes: 0 when all went well, 1 when a notebook failed, 2 when something given cannot be used or written, 3 when
a report was published, and could not be printed or mailed, or the register's results not be kept.

Each command imports what it needs itself, so that help and mistyped arguments are answered at once.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crm_lib.cli.hypotheses import hypotheses, keep_published
from crm_lib.cli.terms import AsOf, CompanyName, err, option, out, told_written
from crm_lib.errors import CompanyError, CrmError
from crm_lib.language import say, text
from crm_lib.writing import of_the_system, replaced

if TYPE_CHECKING:
    from crm_lib.company import CheckReport, Company
    from crm_lib.reports.execute import Progress

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=text("Customer relationship management: from a company's tables to a published report."),
)
_stopped: list[int] = []  # signals that ended the command


def main() -> None:
    """Run the command line; what a user can mend is told in a line, without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app()
    except Exception as error:
        if _stopped:  # engines make an error of their own of what the signal raised
            sys.exit(128 + _stopped[0])
        if not (isinstance(error, CrmError) or of_the_system(error)):
            raise
        told = str(error) if isinstance(error, CrmError) else str(error).partition("\n")[0]
        err.print(f"{text('Error:')} {told}", style="red")
        sys.exit(2)


def _stop(number: int, _: FrameType | None) -> None:
    # As an exception, so that kernels are ended and what was half built is removed.
    _stopped.append(number)
    err.print(text("Stopped."))
    sys.exit(128 + number)


@app.callback(invoke_without_command=True)
def _always(version: Annotated[bool, option("Print the version and end.", "--version")] = False) -> None:
    if version:
        from importlib.metadata import version as installed

        out.print(f"crm {installed('crm-lib')}")
        raise typer.Exit


@app.command()
def demo(
    seed: Annotated[int, option("Start of the random numbers: the same seed, the same company.", min=0)] = 20260101,
    customers: Annotated[int, option("How many customers.", min=1)] = 8000,
    to: Annotated[Path | None, option("Where the tables go; default: data/demo.", metavar="FOLDER")] = None,
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
        out.print(f"  {name:<16}{say('{rows}', rows=len(frame)):>10}")
    told_written(folder)


@app.command()
def check(
    company: CompanyName,
    as_of: AsOf = None,
    rejected: Annotated[
        Path | None, option("Rejected rows; default: reports/COMPANY/rejected.", metavar="FOLDER")
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
        _tell_check(report, rejected)
        if not report.fatal:
            raise
        for fault in report.fatal:
            err.print(f"{text('Fatal')}: {fault.table}: {fault.message}", style="red")
        raise typer.Exit(2) from None
    _tell_check(opened.check_all(), rejected)
    _tell_readiness(opened)


def _tell_check(report: CheckReport, folder: Path | None) -> None:
    """Tell what was found and write rejected rows aside; files of an earlier check, mended since, go."""
    from crm_lib.company.report import write_rejected

    for line in report.lines():
        out.print(line)
    folder = folder or _project() / "reports" / report.key / "rejected"
    if write_rejected(report, folder):
        out.print("\n" + say("Rejected rows were written to {folder}.", folder=folder))


def _tell_readiness(company: Company) -> None:
    from crm_lib.reports.notebooks import NotebookError, all_notebooks, find_folder, lacking

    try:
        folder = find_folder()
    except NotebookError:
        return  # tables can be checked where no notebooks are
    out.print("\n" + text("What the notebooks can do with it:"))
    for each in all_notebooks(folder):
        missing, unused = (", ".join(lacking(wanted, company)) for wanted in (each.needs, each.uses))
        state = say("partly: lacks {missing}", missing=unused) if unused else text("ready")
        out.print(f"  {each.key}: {say('not possible: lacks {missing}', missing=missing) if missing else state}")


@app.command()
def report(
    company: CompanyName,
    notebook: Annotated[
        list[str] | None,
        option("Number or name of a notebook; may be repeated.", "--notebook", "-n", metavar="NOTEBOOK"),
    ] = None,
    edition: Annotated[Literal["routine", "annual", "all"], option("Which notebooks, where none is named.")] = "all",
    as_of: AsOf = None,
    parameter: Annotated[
        list[str] | None, option("Set a parameter (see: crm notebooks); may be repeated.", "-p", metavar="NAME=VALUE")
    ] = None,
    jobs: Annotated[int | None, option("Notebooks at a time; default: 2.", min=1)] = None,
    reports: Annotated[
        Path | None, option("Where reports go; default: reports/.", "--reports", metavar="FOLDER")
    ] = None,
    keep: Annotated[int | None, option("Keep only so many runs of the company; default: all.", min=1)] = None,
    again: Annotated[bool, option("Run every notebook, also those of which nothing has changed.", "--again")] = False,
    pdf: Annotated[bool, option("Print the pages as PDF too, by Chromium or Chrome.", "--pdf")] = False,
    mail: Annotated[
        list[str] | None,
        option("Mail findings, or what failed, by the server CRM_SMTP_HOST; may be repeated.", metavar="ADDRESS"),
    ] = None,
) -> None:
    """Publish a company's report.

    Runs the notebooks, several at a time, and publishes the report whole under reports/COMPANY/; the last good one is
    always at reports/COMPANY/latest/. A notebook of which nothing has changed (its code, parameters, the company's
    files, the library) is taken from the run that had it last, and says so. Exits with 1 if a notebook failed: the
    others are published all the same; with 3 if the report is there, but a page was not printed, mail not sent,
    or what the register found not kept.
    """
    from crm_lib.reports.mail import Mail
    from crm_lib.reports.run import run_report

    post = Mail(mail) if mail else None
    try:
        with _bars() as move:
            run = run_report(
                company, notebooks=notebook or (), edition=edition, as_of=as_of, parameters=parameter or (), jobs=jobs,
                reports=reports, keep=keep, again=again, pdf=pdf, progress=move,
            )  # fmt: skip
    except Exception as error:
        if post and (trouble := post.failure(company, error)):
            err.print(trouble, style="red")
        raise
    for outcome in run.outcomes:
        line = f"{outcome.notebook.key}: {text('unchanged' if outcome.ran else outcome.status)}"
        if outcome.status == "skipped":
            line += f" – {outcome.why}"
        if outcome.failure:
            err.print(f"{line} – {outcome.failure}", style="red")
        else:
            out.print(line)
        for each in outcome.shown.left_out:
            out.print("  " + say("left out: {what} – {why}", **each))
    unkept = keep_published(company, run)
    out.print(str(run.folder / "index.html"))
    troubles = [*run.unprinted, *filter(None, [unkept, post.report(run.folder) if post else ""])]
    for trouble in troubles:
        err.print(trouble, style="red")
    if troubles or not run.good:
        raise typer.Exit(3 if run.good else 1)


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as reports/demo/latest.")],
) -> None:
    """Run a published report again, and compare.

    Takes company, day, parameters and notebooks from the run's manifest, and tells which findings and tables are not
    the same, and what has changed since. Exits with 1 if any differs. Nothing is published.
    """
    from crm_lib.reports.verify import verify_run

    with _bars() as move:
        told = verify_run(run, progress=move)
    out.print(say("{same} findings and tables are the same, {other} differ", same=told.same, other=len(told.different)))
    for what in told.different:
        err.print(what, style="red")
    if told.since:
        out.print(say("changed since: {what}", what=", ".join(told.since)))
    if told.different:
        raise typer.Exit(1)


@contextmanager
def _bars() -> Iterator[Progress]:
    """Give what shows how far each notebook is; nothing is drawn before the first one starts."""
    from rich.progress import MofNCompleteColumn, Progress as Bars, TaskID, TimeElapsedColumn

    bars = Bars("{task.description}", MofNCompleteColumn(), TimeElapsedColumn(), console=err)
    tasks: dict[str, TaskID] = {}

    def move(key: str, cell: int, cells: int) -> None:
        bars.start()
        if key not in tasks:
            tasks[key] = bars.add_task(key, total=None)
        bars.update(tasks[key], completed=cell, total=cells or None)

    try:
        yield move
    finally:
        if tasks:
            bars.stop()


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Give what tells the step at work and how long each has taken; where nobody looks, it tells nothing."""
    from rich.progress import Progress as Bars, SpinnerColumn, TimeElapsedColumn

    columns = SpinnerColumn(finished_text=" "), "{task.description}", TimeElapsedColumn()
    with Bars(*columns, console=err, transient=True, refresh_per_second=2, disable=not err.is_terminal) as bars:

        def step(words: str) -> None:
            for task in bars.task_ids:
                bars.update(task, total=1, completed=1)
            bars.add_task(words, total=None)

        yield step


@app.command()
def score(
    company: CompanyName,
    to: Annotated[
        str | None, option("File (.parquet, .csv, .duckdb) or URL; default: reports/COMPANY/scores.parquet.")
    ] = None,
    as_of: AsOf = None,
    model: Annotated[
        Literal["pareto-nbd", "bg-nbd", "mbg-nbd"], option("Model of purchases; notebook 08 recommends one.")
    ] = "pareto-nbd",
    annual_rate: Annotated[float, option("Interest a year, to discount by.", min=0.001, max=2.0)] = 0.1,
    horizon_days: Annotated[int, option("Days over which purchases are expected.", min=1, max=3660)] = 365,
    seed: Annotated[int, option("Start of the random numbers behind the intervals.", min=0)] = 20260101,
    table: Annotated[str, option("Name of the table in a database.", metavar="NAME")] = "customer_scores",
    password_env: Annotated[str, option("Environment variable with its password.", metavar="VARIABLE")] = "",
) -> None:
    """Score a company's customers.

    Writes one row a customer: value with interval, probability of being a customer still, expected purchases, RFM
    scores and segment, and in what money, at what rate and over what time they are counted. What was there before is
    replaced whole.
    """
    from crm_lib.company import Company
    from crm_lib.scoring.kept import SETTINGS, keep_scores, new_scores
    from crm_lib.scoring.targets import check_target, write_scores

    if to is not None:
        check_target(to, table)
    settings: dict[str, Any] = {"model": model, "annual_rate": annual_rate, "horizon_days": horizon_days, "seed": seed}
    with _steps() as step:
        step(text("The company is opened"))
        opened = Company.open(company, as_of)
        folder = _project() / "reports" / opened.key
        if to is None:
            folder.mkdir(parents=True, exist_ok=True)
        to = to or str(folder / "scores.parquet")
        step(text("Its customers are scored"))
        with _warnings_told():
            value, scores = new_scores(opened, **settings)
            if settings == SETTINGS:
                keep_scores(opened, scores, folder)
        step(text("The scores are written"))
        write_scores(scores, to, table=table, password_env=password_env)
    message = "{customers} customers, together worth {value}; written to {target}."
    out.print(say(message, customers=len(scores), value=value.totals["current"], target=to))
    out.print(value.convention)


@app.command()
def customer(
    company: CompanyName,
    customer_id: Annotated[
        str, typer.Argument(metavar="ID", help=text("Number of the customer; after -- if it begins with a dash."))
    ],
    as_of: AsOf = None,
    html: Annotated[Path | None, option("Write a page (.html) that only you can read.", metavar="FILE")] = None,
) -> None:
    """Show all that is known of one customer.

    Prints what to do next and why, value and the chance of being a customer still, history, complaints, contacts,
    memberships, campaigns, answers and recommendations. Value and segment are those of the last scores of the same
    data; where there are none, all customers are scored first. The page holds personal data.
    """
    from crm_lib.company import Company
    from crm_lib.customer_page import check_html, customer_page, print_page, write_html
    from crm_lib.scoring.kept import kept_scores

    if html is not None:
        check_html(html)
    opened = Company.open(company, as_of)
    with _warnings_told():
        folder = _project() / "reports" / opened.key
        page = customer_page(opened, customer_id, lambda: kept_scores(opened, folder))
    if html is None:
        print_page(page, out)
    else:
        write_html(page, html)
        told_written(html)


@app.command()
def freeze(
    company: CompanyName,
    as_of: AsOf = None,
    again: Annotated[bool, option("Estimate cut points anew; the old file stays as .bak.", "--again")] = False,
) -> None:
    """Freeze a company's segments.

    Writes segments.toml beside company.toml: who is scored, the cut points as of today, and the rules of the segments.
    Reports, scores and lists keep to it from then on, so that customers move and segments do not. Change it by hand as
    you like; whether its rules take every customer exactly once is checked whenever it is read.
    """
    from crm_lib import segments
    from crm_lib.company import Company

    with _steps() as step:
        step(text("The company is opened"))
        opened = Company.open(company, as_of)
        file = opened.folder / segments.DEFINITIONS_FILE
        if file.exists() and not again:
            raise CrmError(say("{file} is there already; --again estimates its cut points anew", file=file))
        step(text("Cut points are estimated"))
        found = segments.estimated(segments.definitions_of(opened, anew=True), opened)
    with replaced(file, private=False) as aside:
        aside.write_text(found.to_toml(), encoding="utf-8")
        if file.exists():
            file.replace(file.with_suffix(".toml.bak"))
    told_written(file)


app.command()(hypotheses)


@app.command()
def targets(
    company: CompanyName,
    to: Annotated[Path | None, option("Where lists go; default: reports/COMPANY/targets.", metavar="FOLDER")] = None,
    as_of: AsOf = None,
    window_days: Annotated[int, option("Days scored, without a segments.toml.", min=1, max=3660)] = 365,
    levels: Annotated[int, option("Number of RFM scores, likewise.", min=3, max=5)] = 5,
    dissatisfied_below: Annotated[float, option("Satisfaction (1 to 10) below this is too low.", min=1, max=10)] = 6.0,
    contact_cost: Annotated[float, option("Cost of a personal contact, in the company's currency.", min=0)] = 3.5,
    saved_share: Annotated[float, option("Share of those leaving whom a contact keeps.", min=0.001, max=1)] = 0.1,
    risk_days: Annotated[int, option("Days ahead over which risk is told.", min=1, max=3660)] = 91,
    budget: Annotated[float | None, option("What winning back may cost; default: all that pays.", min=0)] = None,
) -> None:
    """Write lists of customers to contact.

    One file a purpose and a workbook of all: value at stake, reason, other lists with the customer; the largest value
    first, of the lost the most per cost until the budget is spent. Who did not agree to be contacted is kept apart.
    """
    from crm_lib.company import Company
    from crm_lib.scoring.lists import company_lists, write_lists
    from crm_lib.segments import definitions_of, segment_customers
    from crm_lib.segments.target_lists import PURPOSES

    with _steps() as step:
        step(text("The company is opened"))
        opened = Company.open(company, as_of)
        step(text("Its customers are put into segments"))
        segmented = segment_customers(opened, definitions_of(opened, window_days=window_days, levels=levels))
        step(text("Lists are drawn up"))
        lists = company_lists(
            opened, segmented=segmented, dissatisfied_below=dissatisfied_below, contact_cost=contact_cost,
            saved_share=saved_share, risk_days=risk_days, budget=budget,
        )  # fmt: skip
        folder = to or _project() / "reports" / opened.key / "targets"
        step(text("Lists are written"))
        write_lists(lists, folder)
    words = "  {title:words}: {count} to contact, {withheld} without permission"
    for each in lists.lists:
        out.print(say(words, title=PURPOSES[each.name][0], count=len(each.frame), withheld=len(each.withheld)))
    whole = {str(name): count for name, count in lists.overview().iloc[-1].items()}
    words = "  In all {may_contact:count} to contact, {withheld:count} without permission; {several:count} on several"
    out.print(say(words, **whole))
    for name, why in lists.left_out.items():
        out.print(say("  Left out: {what}. Why: {why}.", what=name, why=why))
    if not lists.permission_known:
        _warn(text("The company does not record who agreed to be contacted: make sure before anybody is."))
    told_written(folder)


@app.command()
def notebooks() -> None:
    """List the notebooks.

    Tells the edition of each, the tables that it needs and can use, and its parameters with their defaults.
    """
    from crm_lib.reports.notebooks import all_notebooks, find_folder
    from crm_lib.reports.parameters import SET_BY_COMMAND

    for each in all_notebooks(find_folder()):
        out.print(f"{each.key} · {each.title} · {text(each.edition)}", style="bold")
        for label, tables in ((text("needs"), each.needs), (text("can use"), each.uses)):
            if tables:
                wanted = (f"{name} ({', '.join(columns)})" if columns else name for name, columns in tables.items())
                out.print(f"  {label}: {', '.join(wanted)}")
        for parameter in each.parameters:
            if parameter.name not in SET_BY_COMMAND:
                shown = f"  -p {parameter.name}={_as_written(parameter.default)}"
                out.print(f"{shown}  ({parameter.type}) {parameter.meaning}")


def _as_written(value: object) -> str:
    """Return a default as a user would write it on the command line."""
    return ",".join(map(str, value)) if isinstance(value, list) else "none" if value is None else str(value)


@app.command()
def clean() -> None:
    """Remove the prepared copies of tables and results that are kept in your cache folder."""
    from crm_lib.company.store import clean

    clean()


@app.command()
def dictionary(
    write: Annotated[bool, option("Write it to data/README.md instead of showing it.", "--write")] = False,
) -> None:
    """Show the data dictionary.

    Every table and column that a company may bring, and how its company.toml is written.
    """
    from crm_lib.company.dictionary import dictionary as written, write_dictionary

    if write:
        told_written(write_dictionary(_project() / "data"))
    else:
        print(written())  # noqa: T201 - as it is, for a pipe


def _project() -> Path:
    """Return the folder of the project: the nearest one upwards that has data/, or else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "data").is_dir()), here)


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Print what users are warned of, each warning once."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for message in dict.fromkeys(str(each.message) for each in told if issubclass(each.category, UserWarning)):
        _warn(message)


def _warn(message: str) -> None:
    err.print(f"{text('Warning:')} {message}", style="yellow")
