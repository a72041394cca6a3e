"""Names: which folder is meant, which name was probably meant."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from crm_lib.errors import CompanyError

BLANKS = "".join(map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029]))
BLANKS += "\u202f\u205f\u2060\u3000\ufeff"
"""Characters that nobody sees: they part no identifier from another."""

_KEY = re.compile(r"[\w\-][\w\-.]*")


def find_company(name_or_folder: str | Path) -> Path:
    """Return the folder of a company; refuse a name that leads out of the data folder.

    A name is looked for in the data folder: the one that the environment variable ``CRM_DATA`` names, else ``data/``
    here or in a folder above. A text with a path separator, or a ``Path``, is the folder itself.
    """
    folder = name_or_folder if isinstance(name_or_folder, Path) else _folder_of(name_or_folder)
    if not _KEY.fullmatch(key := folder.resolve().name):
        raise CompanyError(f"'{key}' cannot name a company: it must be letters, digits, '_', '-', and '.' inside")
    if not (folder / "company.toml").is_file():
        told = "there is no file company.toml in it; data/README.md tells how to write one"
        raise CompanyError(f"no company in '{folder}': {told}")
    return folder


def _folder_of(name: str) -> Path:
    if not name.strip() or "\0" in name:
        raise CompanyError("a company's name must not be empty or hold a NUL character")
    parts = re.split(r"[/\\]", name)
    if ".." in parts:
        raise CompanyError(f"'{name}' leads out of the data folder: '..' is not allowed in a company's name")
    if len(parts) > 1 and not Path(name).is_dir():
        raise CompanyError(f"there is no folder '{name}'; give a company's name or the folder with its company.toml")
    if len(parts) > 1 or not _KEY.fullmatch(name):
        return Path(name)
    data = data_folder()
    if not (data / name).is_dir():
        known = sorted(file.parent.name for file in data.glob("*/company.toml"))
        near = suggestion(name, known)
        raise CompanyError(f"there is no company '{name}' in '{data}'{near}; there are {quoted_list(known)}")
    return data / name


def data_folder() -> Path:
    """Return the folder that holds the companies: ``CRM_DATA``, else ``data/`` here or above."""
    if named := os.environ.get("CRM_DATA"):
        if Path(named).is_dir():
            return Path(named)
        raise CompanyError(f"the environment variable CRM_DATA names '{named}', which is no folder")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any((folder / "data").glob("*/company.toml")):
            return folder / "data"
    hint = "run this in the project, or set the environment variable CRM_DATA"
    raise CompanyError(f"there is no data folder in '{here}' or above; {hint}")


def suggestion(name: str, options: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` with the nearest of `options`, empty where none is near."""
    folded = {option.casefold(): option for option in options}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f" (did you mean '{folded[near[0]]}'?)" if near else ""


def quoted_list(names: Iterable[str]) -> str:
    """Return names for a message, ``'a', 'b'``, or ``none``."""
    return ", ".join(f"'{name}'" for name in names) or "none"
