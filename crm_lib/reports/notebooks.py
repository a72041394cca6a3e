"""The notebooks there are: where they stand, what they need, and which ones a user asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crm_lib.company.names import suggestion
from crm_lib.errors import CrmError
from crm_lib.language import say
from crm_lib.reports.documents import UNREADABLE, read_document
from crm_lib.reports.parameters import Parameter, read_parameters

if TYPE_CHECKING:
    from crm_lib.company import Company

Edition = Literal["routine", "annual"]
EDITIONS: tuple[Edition, ...] = ("routine", "annual")
_IMPORT = re.compile(r"^(?:from ([\w.]+) import ([\w, ]+)|import ([\w., ]+))", re.MULTILINE)
_NAME = re.compile(r"(?P<number>\d\d)_(?P<name>\w+)")


class NotebookError(CrmError):
    """A notebook was not found, or breaks the rules that a report relies on."""


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """One notebook of the analyses.

    `needs` and `uses` are tables, and columns of them, without which it cannot run and of which it makes use; `imports`
    are modules that its code imports, or may: ``from crm_lib import segments`` names two.
    """

    path: Path
    title: str
    edition: Edition
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    uses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    imports: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """File name without ending, such as ``06_segmentation``: names the notebook and its pages."""
        return self.path.stem


def lacking(wanted: Mapping[str, Sequence[str]], company: Company) -> tuple[str, ...]:
    """Return what a notebook needs or could use and `company` lacks, as ``table`` or ``table.column``."""
    lacks = []
    for table, columns in wanted.items():
        if not company.has(table):
            lacks.append(table)
        else:
            lacks.extend(f"{table}.{column}" for column in columns if not company.has(table, column))
    return tuple(lacks)


def find_folder(start: Path | None = None) -> Path:
    """Return the folder of the notebooks, looked for from `start` (the current folder) upwards."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if any(_NAME.fullmatch(path.stem) for path in (folder / "notebooks").glob("*.ipynb")):
            return folder / "notebooks"
    raise NotebookError(
        say(
            "no folder 'notebooks' with numbered notebooks (such as 06_segmentation.ipynb) in '{folder}' or above it; "
            "change to the project's folder and try again",
            folder=start,
        )
    )


def read_notebook(path: Path) -> Notebook:
    """Read what a notebook says of itself, without running it."""
    try:
        document = read_document(path)
    except UNREADABLE as error:
        raise NotebookError(say("notebook '{name}' cannot be read: {error}", name=path.name, error=error)) from error
    about: Mapping[str, Any] = document.metadata.get("crm", {})
    edition = about.get("edition")
    if edition not in EDITIONS or not about.get("title"):
        raise NotebookError(
            say(
                "'{name}' does not say its title and edition (routine or annual) under 'crm' in its metadata",
                name=path.name,
            )
        )
    cells = [cell for cell in document.cells if "parameters" in cell.metadata.get("tags", [])]
    source = cells[0].source if cells else ""
    return Notebook(
        path=path,
        title=str(about["title"]),
        edition=edition,
        needs=dict(about.get("needs", {})),
        uses=dict(about.get("uses", {})),
        parameters=read_parameters(source, where=path.name),
        imports=_imports("\n".join(cell.source for cell in document.cells if cell.cell_type == "code")),
    )


def _imports(source: str) -> tuple[str, ...]:
    found = []
    for module, names, plain in _IMPORT.findall(source):
        found += [module, *(f"{module}.{name.split()[0]}" for name in names.split(",") if name.strip())]
        found += [name.split()[0] for name in plain.split(",") if name.strip()]
    return tuple(dict.fromkeys(filter(None, found)))


def all_notebooks(folder: Path) -> tuple[Notebook, ...]:
    """Return the notebooks in `folder`, in the order of their numbers."""
    paths = sorted(path for path in folder.glob("*.ipynb") if _NAME.fullmatch(path.stem))
    return tuple(read_notebook(path) for path in paths)


def select(notebooks: Iterable[Notebook], *, names: Sequence[str] = (), edition: str = "all") -> tuple[Notebook, ...]:
    """Return the notebooks that a user asked for, in their own order: by number ("06", "6"), name, or edition."""
    notebooks = tuple(notebooks)
    if names:
        chosen = {_find(name, notebooks).key for name in names}
        return tuple(notebook for notebook in notebooks if notebook.key in chosen)
    kept = tuple(notebook for notebook in notebooks if edition in ("all", notebook.edition))
    if not kept:
        raise NotebookError(say("there is no notebook of edition '{edition}'", edition=edition))
    return kept


def _find(name: str, notebooks: Sequence[Notebook]) -> Notebook:
    wanted = name.strip().removesuffix(".ipynb").rpartition("/")[2].lower()
    for notebook in notebooks:
        key = notebook.key.lower()
        if wanted in (key, key[3:]) or (wanted.isdigit() and wanted.zfill(2) == key[:2]):
            return notebook
    keys = [notebook.key for notebook in notebooks]
    hint = suggestion(wanted, [*keys, *(key[3:] for key in keys)])
    raise NotebookError(
        say("there is no notebook '{name}'{hint}; there are: {keys}", name=name, hint=hint, keys=", ".join(keys))
    )
