"""The notebooks that the lab opens: those of the course, and what their reader makes of them."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

HOME_FOLDER = "skyscan-notebooks"


def notebooks_folder(chosen: Path | None) -> Path:
    """Folder to open, with the course in it.

    Parameters
    ----------
    chosen : Path or None
        Made where it is missing; notebooks that are there already are left as they are. None
        for the folder of the source tree, or one in the user's home where the library was
        installed from a wheel.
    """
    package = Path(str(files("skyscan_lab")))
    in_source_tree = (package.parent / "pyproject.toml").exists()
    course = (package.parent if in_source_tree else package) / "notebooks"
    if chosen is None and in_source_tree:
        return course
    folder = (chosen or Path.home() / HOME_FOLDER).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(course.glob("*.ipynb")):
        if not (folder / notebook.name).exists():
            shutil.copyfile(notebook, folder / notebook.name)
    return folder
