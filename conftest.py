"""What holds for every test: in tests/, in docstrings and in notebooks.

It stands at the top of the checkout because a conftest in tests/ would not be there when
somebody runs the doctests of one module, or one notebook.
"""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

from skyscan_lab.datasets import is_available

ROOT = Path(__file__).parent
GUARD = ROOT / "tests" / "guard"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

LEFT_OUT = "left out"
_SAID = pytest.StashKey[bool]()

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

collect_ignore = [
    "tests/guard",  # collecting it for doctests would import it a second time
    "server/skyscan_server/store/migrations/env.py",  # a script that only alembic can run
]


def _guard_network() -> None:
    """Only loopback, for this process and for all that it starts."""
    loaded = getattr(sys.modules.get("sitecustomize"), "__file__", None)
    if loaded is None or Path(loaded).parent != GUARD:
        runpy.run_path(str(GUARD / "sitecustomize.py"))
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [folder for folder in inherited if folder not in ("", str(GUARD))]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(GUARD), *others])


_guard_network()


def _look_for_postgresql() -> None:
    """Debian keeps the programs of its PostgreSQL server where no PATH leads."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])


_look_for_postgresql()

# Time limits on single examples measure the machine, not the code. In CI the same examples
# are drawn every time, so that a red run is about the change it ran on.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _skip_without_programs(items)
    _deselect_without_recording(config, items)


def _skip_without_programs(items: list[pytest.Item]) -> None:
    packages = debian_packages()
    for item in items:
        for marker in item.iter_markers("program"):
            (program,) = marker.args
            if shutil.which(program) is None:
                reason = f"{program} is not installed: apt-get install {packages[program]}"
                item.add_marker(pytest.mark.skip(reason=reason))


def debian_packages() -> dict[str, str]:
    """The program → Debian package table of tests/programs.txt."""
    lines = (ROOT / "tests" / "programs.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def _deselect_without_recording(config: pytest.Config, items: list[pytest.Item]) -> None:
    recording = [item for item in items if item.get_closest_marker("recording")]
    # Whoever names a folder of recordings wants these tests, and an error where it lacks one.
    if not recording or os.environ.get("SKYSCAN_DATA") or is_available("winegard-g2"):
        return
    items[:] = [item for item in items if item not in recording]
    config.hook.pytest_deselected(items=recording)
    if hasattr(config, "workeroutput"):  # one of several processes: the one over them says it
        config.workeroutput[LEFT_OUT] = len(recording)
    else:
        _say_what_is_left_out(config, len(recording))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Say what every process has left out, once."""
    count = getattr(node, "workeroutput", {}).get(LEFT_OUT, 0)
    if count and not node.config.stash.get(_SAID, False):
        node.config.stash[_SAID] = True
        _say_what_is_left_out(node.config, count)


def _say_what_is_left_out(config: pytest.Config, count: int) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(
            f"Left out: {count} tests of the recording winegard-g2, which is not on this "
            "machine (set SKYSCAN_DATA, or run make env where its address can be reached)"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _failed_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _failed_if_skipped(report)


def _failed_if_skipped(report: Report) -> Report:
    """In CI nothing may be missing, so there a test that was skipped has failed."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which in CI is a failure: {report.longrepr}"
    return report
