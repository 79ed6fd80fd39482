"""``skyscan lab``: JupyterLab on the notebooks of the course."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import click

from skyscan_lab.cli.console import Failure, messages

_HOME_FOLDER = "skyscan-notebooks"


@click.command("lab")
@click.option(
    "--notebooks",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to open; notebooks of the course that it lacks are put there. Default: that of "
    f"the source tree, or {_HOME_FOLDER} in your home.",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Whether to open a browser (default: where there is a display).",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8888,
    show_default=True,
    help="Port on this machine; the next free one where it is taken.",
)
def lab_command(folder: Path | None, browser: bool | None, port: int) -> None:
    """Open JupyterLab on the notebooks of the course.

    It listens on this machine alone, and prints the address to open. Notebooks run with the
    Python that runs this command, so that they find skyscan_lab, and with the simulated
    station ready. Ctrl-C ends it.
    """
    if find_spec("jupyterlab") is None or find_spec("ipykernel") is None:
        raise Failure("JupyterLab is not installed: pip install 'skyscan-lab[lab]'")
    opened = notebooks_folder(folder)
    messages().print(f"notebooks: {opened}", markup=False)
    command = lab_arguments(
        opened, port, browser=has_display() if browser is None else browser, root=is_root()
    )
    # A kernel of the same name in the user's own folder may be another Python's.
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    sys.stderr.flush()
    os.execve(sys.executable, command, environment)  # noqa: S606 Ctrl-C then goes to Jupyter alone


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
    folder = (chosen or Path.home() / _HOME_FOLDER).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(course.glob("*.ipynb")):
        if not (folder / notebook.name).exists():
            shutil.copyfile(notebook, folder / notebook.name)
    return folder


def lab_arguments(folder: Path, port: int, *, browser: bool, root: bool) -> list[str]:
    """Command that starts JupyterLab.

    Examples
    --------
    >>> lab_arguments(Path("/n"), 8888, browser=False, root=True)[-2:]
    ['--no-browser', '--allow-root']
    """
    arguments = [
        *(sys.executable, "-m", "jupyterlab"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={folder}",
        # Nothing that is opened here asks anybody outside of this machine for anything.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if not browser:
        arguments.append("--no-browser")
    if root:
        arguments.append("--allow-root")
    return arguments


def has_display() -> bool:
    """Whether a browser could show itself here."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_root() -> bool:
    """Whether we are the administrator, as whom Jupyter starts only when told to."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
