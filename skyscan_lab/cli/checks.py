"""What ``skyscan doctor`` looks at on this machine; none of it fails, all of it answers."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from skyscan_lab.devices.diagnose import Finding
from skyscan_lab.devices.factory import open_station
from skyscan_lab.devices.simulated import TIME_SCALE_VARIABLE, time_scale_from_environment
from skyscan_lab.errors import InvalidInput, SkyscanError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning import journal_folder, scan
from skyscan_lab.station import Station

_DISTRIBUTION = "skyscan-lab"
# A week of scanning at a point a second makes a journal of some 200 MB.
_ENOUGH_BYTES = 500e6
_PROGRAMS = {"rotctld": "libhamlib-utils", "rigctld": "libhamlib-utils", "rtl_tcp": "rtl-sdr"}


async def check_simulated_lab() -> Finding:
    """Scan four points with the simulated station, a thousand times faster than real."""
    what = "scan of the simulated station"
    grid = ScanGrid(az=(150, 152), el=(30, 32), step=2)
    try:
        with TemporaryDirectory() as folder:
            async with (
                open_station(Station(), time_scale=1000.0) as devices,
                scan(
                    grid,
                    devices.rotor,
                    devices.receiver,
                    reads=1,
                    clock=devices.clock,
                    journal=Path(folder) / "check.journal",
                ) as running,
            ):
                points = [point async for point in running]
    except (SkyscanError, OSError, ImportError) as error:
        return Finding(what, False, str(error), "reinstall: pip install --force-reinstall .")
    return Finding(what, len(points) == grid.size, f"{len(points)} of {grid.size} points")


def check_time_scale() -> Finding:
    """Whether the simulated station's speed is set, and to something it can use."""
    try:
        scale = time_scale_from_environment()
    except InvalidInput as error:
        return Finding("time scale", False, str(error), f"unset {TIME_SCALE_VARIABLE}")
    return Finding("time scale", True, f"{scale:g} × real ({TIME_SCALE_VARIABLE})")


def check_python() -> Finding:
    """Whether this Python is one that we support."""
    needed = SpecifierSet(str(metadata(_DISTRIBUTION)["Requires-Python"]))
    running = platform.python_version()
    ok = needed.contains(running, prereleases=True)
    fix = "" if ok else f"install Python {needed} and run make env with it"
    return Finding("python", ok, f"{running}, {sys.executable}", fix)


def check_packages() -> list[Finding]:
    """Core packages, then those of each extra, by what the distribution itself requires."""
    needed: dict[str, list[Requirement]] = {"": []}
    for line in requires(_DISTRIBUTION) or ():
        requirement = Requirement(line)
        extra = _extra_of(requirement)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            needed.setdefault(extra, []).append(requirement)
    return [_check_group(extra, needed[extra]) for extra in sorted(needed)]


def check_notebooks() -> Finding:
    """Whether JupyterLab and a kernel are here for ``skyscan lab``."""
    problems = [
        problem for name in ("jupyterlab", "ipykernel") if (problem := _problem(Requirement(name)))
    ]
    if problems:
        return Finding("notebooks", False, "; ".join(problems), _pip("lab"))
    return Finding("notebooks", True, f"JupyterLab {version('jupyterlab')}")


def check_dataset(name: str) -> Finding:
    """Whether a real recording is on this machine; nothing is downloaded."""
    from skyscan_lab.datasets import is_available

    if is_available(name):
        return Finding(f"recording {name}", True, "on this machine")
    return Finding(
        f"recording {name}",
        False,
        "not on this machine",
        f'python -c "from skyscan_lab.datasets import fetch; fetch({name!r})", or set SKYSCAN_DATA',
    )


def check_disk() -> Finding:
    """Room where journals go."""
    folder = journal_folder()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK)
    detail = f"{free / 1e9:.1f} GB free for journals in {folder}"
    if not writable:
        return Finding("disk", False, f"{there} cannot be written", "set SKYSCAN_HOME elsewhere")
    if free < _ENOUGH_BYTES:
        return Finding("disk", False, detail, "make room, or set SKYSCAN_HOME elsewhere")
    return Finding("disk", True, detail)


def check_programs() -> list[Finding]:
    """Programs that stand between us and hardware."""
    return [
        Finding(program, True, path)
        if (path := shutil.which(program))
        else Finding(program, False, "not installed", f"sudo apt-get install {package}")
        for program, package in _PROGRAMS.items()
    ]


def _extra_of(requirement: Requirement) -> str:
    """Extra that a requirement belongs to, empty for the core.

    Examples
    --------
    >>> _extra_of(Requirement('pyserial>=3.5; extra == "devices"')), _extra_of(Requirement("numpy"))
    ('devices', '')
    """
    found = re.search(r"""extra == ["']([^"']+)""", str(requirement.marker))
    return found[1] if found else ""


def _check_group(extra: str, needed: list[Requirement]) -> Finding:
    what = f"packages for {extra}" if extra else "packages"
    problems = [problem for requirement in needed if (problem := _problem(requirement))]
    if problems:
        return Finding(what, False, "; ".join(problems), _pip(extra))
    return Finding(what, True, f"all {len(needed)}")


def _problem(requirement: Requirement) -> str:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if not requirement.specifier.contains(found, prereleases=True):
        return f"{requirement.name} {found} is not {requirement.specifier}"
    return ""


def _pip(extra: str) -> str:
    return f'pip install "{_DISTRIBUTION}[{extra}]"' if extra else f"pip install {_DISTRIBUTION}"
