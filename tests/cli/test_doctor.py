"""Truth: this machine, and machines that lack something."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement

from skyscan_lab.cli import checks
from skyscan_lab.cli.main import main


def doctor(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)], env={"COLUMNS": "160"})


def line_of(result: Result, what: str) -> str:
    pattern = re.compile(rf" [✓✗]  {re.escape(what)}  ")
    (line,) = [line for line in result.stdout.splitlines() if pattern.match(line)]
    return line


def test_this_machine_has_a_working_lab() -> None:
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "✓" in line_of(result, "scan of the simulated station")
    assert "4 of 4 points" in result.stdout
    for what in ("python", "packages", "notebooks", "disk", "time scale", "rotctld", "rigctld"):
        assert line_of(result, what)


def test_what_is_missing_comes_with_its_fix(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SKYSCAN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "fast")
    for module in ("serial", "serial.tools"):  # as if pyserial were not installed
        monkeypatch.setitem(sys.modules, module, None)
    result = doctor()
    assert result.exit_code == 0, result.output  # the simulated lab still works
    for what, fix in (
        ("rotctld", "sudo apt-get install libhamlib-utils"),
        ("rtl_tcp", "sudo apt-get install rtl-sdr"),
        ("recording winegard-g2", "SKYSCAN_DATA"),
        ("serial ports", 'pip install "skyscan-lab[devices]"'),
        ("time scale", "unset SKYSCAN_TIME_SCALE"),
    ):
        line = line_of(result, what)
        assert "✗" in line
        after = result.stdout[result.stdout.index(line) + len(line) :].splitlines()[1]
        assert "fix:" in after, what
        assert fix in after


def test_a_station_is_looked_at(tmp_path: Path, unused_tcp_port: int) -> None:
    station = tmp_path / "station.toml"
    station.write_text(
        f"[rotor]\ndriver = 'rotctld'\nport = {unused_tcp_port}\n[receiver]\ndriver = 'rotor'\n"
    )
    result = doctor("--station", station)
    assert result.exit_code == 0
    assert "✗" in line_of(result, f"rotctld 127.0.0.1:{unused_tcp_port}")
    station.write_text("[rotor]\ndriver = 'magic'\n")
    result = doctor("--station", station)
    assert result.exit_code == 2
    assert "magic" in result.stderr


def test_a_lab_that_does_not_work_is_status_1(monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ImportError("numba is broken")

    monkeypatch.setattr(checks, "open_station", broken)
    result = doctor()
    assert result.exit_code == 1
    assert "✗" in line_of(result, "scan of the simulated station")
    assert "numba is broken" in result.stdout


def test_packages_are_those_that_the_distribution_requires(monkeypatch) -> None:
    required = [
        "numpy>=1.26",
        "no-such-package>=2",
        'numpy<1; extra == "old"',
        "never; sys_platform == 'none'",
    ]
    monkeypatch.setattr(checks, "requires", lambda _: required)
    core, old = checks.check_packages()
    assert (core.ok, core.detail) == (False, "no-such-package is not installed")
    assert core.fix == "pip install skyscan-lab"
    assert old.what == "packages for old"
    assert "is not <1" in old.detail
    assert old.fix == 'pip install "skyscan-lab[old]"'


def test_the_disk_is_that_of_the_journals(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SKYSCAN_HOME", str(tmp_path / "not" / "yet"))
    assert checks.check_disk().ok
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1))
    found = checks.check_disk()
    assert not found.ok
    assert "SKYSCAN_HOME" in found.fix


@pytest.mark.system
def test_it_runs_without_any_optional_package(tmp_path: Path) -> None:
    optional = ("serial", "jupyterlab", "ipykernel", "nbval", "IPython", "pytest")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({optional!r}))\n"
        "from skyscan_lab.cli.main import main; main(['doctor'], prog_name='skyscan')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_extras_are_told_from_markers() -> None:
    assert checks._extra_of(Requirement("a; extra == 'lab' and python_version > '3'")) == "lab"
    assert checks._extra_of(Requirement("a; python_version > '3'")) == ""
