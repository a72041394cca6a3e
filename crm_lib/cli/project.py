"""Where the command line works."""

from __future__ import annotations

from pathlib import Path


def project_folder() -> Path:
    """Return the folder of the project: the nearest one upwards that has data/, or else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "data").is_dir()), here)
