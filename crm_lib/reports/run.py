"""One run: the notebooks asked for, on one company, as one published report."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crm_lib import language
from crm_lib.company import Company
from crm_lib.company.settings import CompanySettings, read_settings
from crm_lib.errors import CrmError
from crm_lib.language import say, text
from crm_lib.reports import changes, publish
from crm_lib.reports.documents import UNREADABLE, collect, read_document, shorten, write_document
from crm_lib.reports.execute import Order, Outcome, Progress, execute
from crm_lib.reports.index import render_index
from crm_lib.reports.manifest import make_manifest
from crm_lib.reports.notebooks import Notebook, NotebookError, all_notebooks, find_folder, lacking, select
from crm_lib.reports.page import render_page
from crm_lib.reports.parameters import SET_BY_COMMAND, check_columns, check_values, split_assignments
from crm_lib.reports.pdf import print_pages
from crm_lib.reports.reuse import keys, reused
from crm_lib.reports.workbook import write_workbook
from crm_lib.writing import of_the_system

_SHORTEST_HIDDEN = 4
"""A shorter password or path would be found by chance within other words."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A published run: the folder whose ``index.html`` is its front page, and what became of each notebook.

    `unprinted` tells which pages were to be printed as PDF and could not be, and why.
    """

    folder: Path
    outcomes: tuple[Outcome, ...]
    unprinted: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether no notebook failed."""
        return all(outcome.status != "failed" for outcome in self.outcomes)


def run_report(
    company: str | Path,
    *,
    notebooks: Sequence[str] = (),
    edition: str = "all",
    as_of: dt.date | str | None = None,
    parameters: Sequence[str] = (),
    jobs: int | None = None,
    reports: Path | None = None,
    keep: int | None = None,
    folder: Path | None = None,
    again: bool = False,
    pdf: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Run notebooks on a company and publish the report.

    Everything that can be checked is checked before a kernel starts. A notebook whose tables the company lacks is
    skipped, a notebook that fails does not stop the others; both are said on the front page.

    Parameters
    ----------
    company : str or Path
        Name of a folder under ``data/``, or a folder.
    notebooks : sequence of str
        Numbers or names; empty for all of the edition.
    edition : {"routine", "annual", "all"}
        Which notebooks, where none is named.
    as_of : date or str, optional
        Nothing later than this day is looked at.
    parameters : sequence of str
        ``name=value`` each.
    jobs : int, optional
        Notebooks at a time; by default two, or one on a single processor.
    reports : Path, optional
        Where reports go; by default ``reports/`` beside the notebooks.
    keep : int, optional
        How many runs of the company are kept; by default all. The latest good one is kept in any case.
    folder : Path, optional
        Folder of the notebooks; by default it is looked for from the current folder upwards.
    again : bool
        Run every notebook; otherwise one of which nothing changed is taken from the run that had it last.
    pdf : bool
        Print the front page and every page as PDF too.
    progress : callable, optional
        Told of every finished cell.

    Returns
    -------
    Run
        The published run.

    Raises
    ------
    CrmError
        If a notebook, a parameter or the company cannot be used.
    """
    folder = folder or find_folder()
    chosen = select(all_notebooks(folder), names=notebooks, edition=edition)
    given = check_values(split_assignments(parameters), {each.key: each.parameters for each in chosen})
    opened = Company.open(company, as_of)
    language.set_language(opened.language)
    settings = read_settings(opened.folder)
    for each in chosen:
        check_columns(given[each.key], each.parameters, opened)
    values = {each.key: {**_of_company(each, opened), **given[each.key]} for each in chosen}
    started = dt.datetime.now(dt.UTC)
    run = Order(
        run_id=publish.new_run_id(opened.as_of, started),
        company=opened,
        started=started,
        values=values,
        root=folder.parent,
        hidden=_hidden(folder.parent, settings),
    )
    run = replace(run, keys=keys(chosen, run))
    shelf = (reports or folder.parent / "reports") / opened.key
    try:
        publish.clear_abandoned(shelf)
        with publish.building(shelf, run.run_id) as aside:
            lacks = {each.key: ", ".join(lacking(each.needs, opened)) for each in chosen}
            possible = [each for each in chosen if not lacks[each.key]]
            at_once, tell = jobs or min(2, os.cpu_count() or 1), progress or (lambda *_: None)
            had = [] if again else [reused(each, run=run, shelf=shelf, aside=aside) for each in possible]
            kept = {each.notebook.key: each for each in had if each}
            new = [each for each in possible if each.key not in kept]
            executed = [*kept.values(), *execute(new, run=run, folder=aside, jobs=at_once, progress=tell)]
            vars(opened).pop("content", None)  # that of the files as they are now
            if keys(chosen, run) != run.keys:
                raise CrmError(text("the company's files changed while its report was made: make it again"))
            done = {each.notebook.key: _write_page(each, aside, run) for each in executed}
            outcomes = tuple(done.get(each.key) or _skipped(each, lacks[each.key]) for each in chosen)
            _write_front(outcomes, aside, run)
            unprinted = print_pages(aside, jobs=at_once) if pdf else ()
            good = all(each.status != "failed" for each in outcomes)
            published = publish.publish(aside, good=good, readable_by=settings.reports.readable_by)
        if keep is not None:
            publish.keep_newest(shelf, keep)
    except Exception as error:
        if not of_the_system(error):
            raise
        raise CrmError(say("the report in '{shelf}' cannot be finished: {error}", shelf=shelf, error=error)) from error
    return Run(folder=published, outcomes=outcomes, unprinted=unprinted)


def _of_company(notebook: Notebook, company: Company) -> dict[str, Any]:
    lacking = set(SET_BY_COMMAND) - {each.name for each in notebook.parameters}
    if lacking:
        message = "notebook '{name}' lacks the parameters that every notebook has: {lacking}"
        raise NotebookError(say(message, name=notebook.path.name, lacking=", ".join(sorted(lacking))))
    return {"company": company.key, "as_of": company.as_of.isoformat()}


def _hidden(root: Path, settings: CompanySettings) -> dict[str, str]:
    company = settings.folder.resolve()
    texts = {
        os.environ.get(settings.database.password_env, ""): "•••",
        str(company): company.name,
        str(root.resolve()): ".",
        sys.prefix: "python",
        sys.base_prefix: "python",
        str(Path.home()): "~",
    }
    return {text: stand_in for text, stand_in in texts.items() if len(text) >= _SHORTEST_HIDDEN}


def _skipped(notebook: Notebook, lacks: str) -> Outcome:
    why = say("needs {lacks}, which the company does not have", lacks=lacks)
    return Outcome(notebook=notebook, status="skipped", why=why)


def _write_page(outcome: Outcome, aside: Path, run: Order) -> Outcome:
    """Write the page and the workbook of one notebook, and return its outcome with what it shows."""
    notebook = outcome.notebook
    if outcome.status == "skipped":
        return outcome
    executed = aside / notebook.path.name
    try:
        document = read_document(executed)
    except UNREADABLE:
        # It failed before its first cell, or could not be written: the notebook as it stands is kept beside its error.
        executed.write_bytes(notebook.path.read_bytes())
        document = read_document(executed)
    outcome = replace(outcome, shown=collect(document))
    workbook = aside / f"{notebook.key}.xlsx"
    if outcome.shown.workbook and not workbook.exists():
        write_workbook(workbook, outcome.shown, title=notebook.title, as_of=run.company.as_of)
    if shorten(document):
        write_document(document, executed)
    (aside / f"{notebook.key}.html").write_text(render_page(document, outcome, run=run), encoding="utf-8")
    return outcome


def _write_front(outcomes: Sequence[Outcome], aside: Path, run: Order) -> None:
    """Write the front page, the findings and the manifest."""
    finished = dt.datetime.now(dt.UTC)
    manifest = make_manifest(outcomes, run=run, finished=finished, folder=aside)
    changes.write_json(aside / changes.MANIFEST_FILE, manifest)
    found = {each.notebook.key: each.shown.findings for each in outcomes}
    day, key = run.company.as_of.isoformat(), run.company.key
    changes.write_findings(aside / changes.FINDINGS_FILE, company=key, as_of=day, findings=found)
    seconds, previous = (finished - run.started).total_seconds(), publish.latest(aside.parent)
    front = render_index(outcomes, run=run, seconds=seconds, previous=previous, manifest=manifest)
    (aside / "index.html").write_text(front, encoding="utf-8")
