"""Reading and writing notebook files: the one place that touches nbformat's untyped functions."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode, ValidationError

UNREADABLE = (OSError, ValueError, AttributeError, KeyError, TypeError, ValidationError)
"""What reading may raise where a file is no notebook."""


def read_document(path: Path) -> NotebookNode:
    """Return the notebook in `path`, in the current form of the format."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call,no-any-return]


def write_document(document: NotebookNode, path: Path) -> None:
    """Write a notebook."""
    nbformat.write(document, path)  # type: ignore[no-untyped-call]
