"""Truth: the folder and the arguments that JupyterLab is started with; tests/system starts it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from skyscan_lab.cli import lab
from skyscan_lab.cli.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have replaced this process."""
    commands: list[list[str]] = []
    monkeypatch.setattr(lab.os, "execve", lambda _program, command, _env: commands.append(command))
    return commands


def test_a_source_tree_opens_its_own_notebooks(started) -> None:
    result = CliRunner().invoke(main, ["lab", "--no-browser"])
    assert result.exit_code == 0
    assert f"--ServerApp.root_dir={ROOT / 'notebooks'}" in started[0]
    assert "--no-browser" in started[0]
    assert "--ServerApp.ip=127.0.0.1" in started[0]


def test_a_folder_of_one_s_own_gets_the_course_and_keeps_what_it_has(started, tmp_path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "01_first_scan.ipynb").write_text("changed by me")
    CliRunner().invoke(main, ["lab", "--notebooks", str(mine)], catch_exceptions=False)
    assert (mine / "01_first_scan.ipynb").read_text() == "changed by me"
    (mine / "01_first_scan.ipynb").unlink()
    assert lab.notebooks_folder(mine) == mine
    assert json.loads((mine / "01_first_scan.ipynb").read_text())["nbformat"] == 4


def test_a_wheel_brings_the_course_to_the_home_folder(monkeypatch, tmp_path) -> None:
    installed = tmp_path / "site-packages" / "skyscan_lab"
    (installed / "notebooks").mkdir(parents=True)
    (installed / "notebooks" / "01.ipynb").write_text("{}")
    (installed.parent / "notebooks").mkdir()  # somebody else's
    monkeypatch.setattr(lab, "files", lambda _: installed)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = lab.notebooks_folder(None)
    assert folder == tmp_path / "home" / "skyscan-notebooks"
    assert [path.name for path in folder.iterdir()] == ["01.ipynb"]


@pytest.mark.parametrize(
    ("display", "opens"), [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "w"}, True)]
)
def test_a_browser_is_opened_where_there_is_a_display(
    started, monkeypatch, display: dict[str, str], opens: bool
) -> None:
    monkeypatch.setattr(lab.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    CliRunner().invoke(main, ["lab"], catch_exceptions=False)
    assert ("--no-browser" not in started[0]) == opens


def test_only_root_allows_root() -> None:
    folder = Path("/n")
    assert "--allow-root" in lab.lab_arguments(folder, 1, browser=True, root=True)
    assert "--allow-root" not in lab.lab_arguments(folder, 1, browser=True, root=False)


def test_without_jupyterlab_the_fix_is_named(monkeypatch) -> None:
    monkeypatch.setattr(lab, "find_spec", lambda _: None)
    result = CliRunner().invoke(main, ["lab"])
    assert result.exit_code == 2
    assert "pip install 'skyscan-lab[lab]'" in result.output
