"""One run: the notebooks asked for, on one company, as one published report."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib import language
from crm_lib.company import Company
from crm_lib.company.settings import read_settings
from crm_lib.errors import CrmError
from crm_lib.language import say
from crm_lib.reports import changes, publish
from crm_lib.reports.documents import Collected, collect, read_document
from crm_lib.reports.execute import Outcome, Progress, execute
from crm_lib.reports.index import Part, render_index
from crm_lib.reports.manifest import make_manifest
from crm_lib.reports.notebooks import Notebook, NotebookError, all_notebooks, find_folder, select
from crm_lib.reports.page import render_page
from crm_lib.reports.parameters import SET_BY_COMMAND, check_values, split_assignments
from crm_lib.reports.templates import RunFacts
from crm_lib.reports.workbook import write_workbook

_SHORTEST_HIDDEN = 4
"""A shorter password or path would be found by chance within other words."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A published run.

    Parameters
    ----------
    folder : Path
        Where it is; ``index.html`` is its front page.
    parts : tuple of Part
        What became of each notebook, and what it shows.
    """

    folder: Path
    parts: tuple[Part, ...]

    @property
    def good(self) -> bool:
        """Whether no notebook failed."""
        return all(part.outcome.status != "failed" for part in self.parts)


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
    language.set_language(opened.language or language.outside())
    values = {each.key: {**_of_company(each, opened), **given[each.key]} for each in chosen}
    started = dt.datetime.now(dt.UTC)
    run = RunFacts(
        run_id=publish.new_run_id(opened.as_of, started),
        company_key=opened.key,
        company_name=opened.name,
        as_of=opened.as_of,
        started=started,
    )
    shelf = (reports or folder.parent / "reports") / opened.key
    hidden = _hidden(folder.parent, opened.folder)
    publish.clear_abandoned(shelf)
    try:
        with publish.building(shelf, run.run_id) as aside:
            outcomes = _execute(
                chosen,
                opened,
                values=values,
                aside=aside,
                jobs=jobs or min(2, os.cpu_count() or 1),
                hidden=hidden,
                progress=progress or _silent,
            )
            parts = tuple(_write_part(each, aside, run=run, values=values[each.notebook.key]) for each in outcomes)
            _write_front(parts, opened, aside, run=run, values=values, root=folder.parent, hidden=hidden)
            published = publish.publish(aside, good=all(each.status != "failed" for each in outcomes))
    except OSError as error:
        raise CrmError(say("the report cannot be written to '{shelf}': {error}", shelf=shelf, error=error)) from error
    if keep is not None:
        publish.keep_newest(shelf, keep)
    return Run(folder=published, parts=parts)


def _silent(key: str, cell: int, cells: int) -> None:
    """Take no notice."""


def _of_company(notebook: Notebook, company: Company) -> dict[str, Any]:
    lacking = [name for name in SET_BY_COMMAND if name not in [each.name for each in notebook.parameters]]
    if lacking:
        message = "notebook '{name}' lacks the parameters that every notebook has: {lacking}"
        raise NotebookError(say(message, name=notebook.path.name, lacking=", ".join(lacking)))
    return {"company": company.key, "as_of": company.as_of.isoformat()}


def _hidden(root: Path, company: Path) -> dict[str, str]:
    texts = {
        os.environ.get(read_settings(company).database.password_env, ""): "•••",
        str(company.resolve()): company.resolve().name,
        str(root.resolve()): ".",
        sys.prefix: "python",
        sys.base_prefix: "python",
        str(Path.home()): "~",
    }
    return {text: stand_in for text, stand_in in texts.items() if len(text) >= _SHORTEST_HIDDEN}


def _execute(
    chosen: Sequence[Notebook],
    company: Company,
    *,
    values: Mapping[str, Mapping[str, Any]],
    aside: Path,
    jobs: int,
    hidden: Mapping[str, str],
    progress: Progress,
) -> list[Outcome]:
    missing = {each.key: each.missing(company) for each in chosen}
    possible = [each for each in chosen if not missing[each.key]]
    # The kernels find the company by its key, so that no path gets into a notebook.
    environment = {"CRM_DATA": str(company.folder.resolve().parent), language.VARIABLE: language.code()}
    executed = execute(
        possible,
        parameters=values,
        folder=aside,
        jobs=jobs,
        environment=environment,
        hidden=hidden,
        progress=progress,
    )
    by_key = {outcome.notebook.key: outcome for outcome in executed}
    return [
        by_key.get(each.key) or Outcome(notebook=each, status="skipped", missing=missing[each.key]) for each in chosen
    ]


def _write_part(outcome: Outcome, aside: Path, *, run: RunFacts, values: Mapping[str, Any]) -> Part:
    """Write the page and the workbook of one notebook; a skipped one has none."""
    if outcome.status == "skipped":
        return Part(outcome=outcome, collected=Collected())
    notebook = outcome.notebook
    if outcome.executed is None:
        # It failed before its first cell: the notebook as it stands is kept beside its error.
        (aside / notebook.path.name).write_bytes(notebook.path.read_bytes())
    document = read_document(aside / notebook.path.name)
    shown = collect(document)
    if shown.tables or shown.findings:
        book = aside / f"{notebook.key}.xlsx"
        write_workbook(book, title=notebook.title, as_of=run.as_of, tables=shown.tables, findings=shown.findings)
    page = render_page(document, shown, run=run, outcome=outcome, values=values)
    (aside / f"{notebook.key}.html").write_text(page, encoding="utf-8")
    return Part(outcome=outcome, collected=shown)


def _write_front(
    parts: Sequence[Part],
    company: Company,
    aside: Path,
    *,
    run: RunFacts,
    values: Mapping[str, Mapping[str, Any]],
    root: Path,
    hidden: Mapping[str, str],
) -> None:
    """Write the front page, the findings and the manifest."""
    finished = dt.datetime.now(dt.UTC)
    manifest = make_manifest(company, parts, run=run, values=values, root=root, finished=finished)
    changes.write_json(aside / changes.MANIFEST_FILE, manifest)
    changes.write_findings(
        aside / changes.FINDINGS_FILE,
        company=company.key,
        as_of=company.as_of.isoformat(),
        findings={part.outcome.notebook.key: part.collected.findings for part in parts},
    )
    seconds, previous = (finished - run.started).total_seconds(), publish.latest(aside.parent)
    front = render_index(
        parts, run=run, check=company.check, seconds=seconds, previous=previous, manifest=manifest, hidden=hidden
    )
    (aside / "index.html").write_text(front, encoding="utf-8")
