"""Taking out of an executed notebook what belongs to the machine and the hour, not to the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

_ERROR_MARK = "papermill-error-cell-tag"
_PICTURES = ("image/png", "image/jpeg")


def scrub(document: NotebookNode, *, original: NotebookNode, hidden: Mapping[str, str]) -> NotebookNode:
    """Return the notebook without times, machine paths, secrets and the marks of the tool that ran it.

    Two runs with the same data, code, parameters and seed then leave the same notebook.

    Parameters
    ----------
    document : NotebookNode
        The executed notebook; it is changed.
    original : NotebookNode
        The notebook before it ran.
    hidden : mapping of str to str
        Texts that must not be published, such as a password or the path of the project, and what stands for them.

    Returns
    -------
    NotebookNode
        The same notebook.
    """
    document.metadata.pop("papermill", None)
    if "kernelspec" in original.metadata:
        document.metadata["kernelspec"] = original.metadata["kernelspec"]
    cells = []
    for cell in document.cells:
        tags = cell.metadata.get("tags", [])
        if _ERROR_MARK in tags:
            continue
        if "injected-parameters" in tags:
            cell["id"] = "injected-parameters"  # instead of a random one
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if "outputs" in cell:
            cell["outputs"] = [_without(output, hidden) for output in cell.outputs]
        cells.append(cell)
    document["cells"] = cells
    return document


def hide(text: str, hidden: Mapping[str, str]) -> str:
    """Return `text` with what must not be published replaced.

    Parameters
    ----------
    text : str
        Any text.
    hidden : mapping of str to str
        Texts that must not be published, and what stands for them. The longest go first: a folder within the
        project before the project.

    Examples
    --------
    >>> hide("/home/ann/shop/x.py", {"/home/ann": "~", "/home/ann/shop": "."})
    './x.py'
    """
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(secret, hidden[secret])
    return text


def _without(value: Any, hidden: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return hide(value, hidden)
    if isinstance(value, list):
        return [_without(each, hidden) for each in value]
    if isinstance(value, dict):
        # A short path may stand by chance within the letters of a picture, which would be spoilt.
        return type(value)({key: each if key in _PICTURES else _without(each, hidden) for key, each in value.items()})
    return value
