"""Truth: what is in the folder afterwards, beside the notebooks of the source tree."""

import json
from pathlib import Path

from skyscan_server.main import notebooks
from skyscan_server.main.notebooks import notebooks_folder

ROOT = Path(__file__).parents[3]


def test_a_source_tree_opens_its_own_notebooks():
    assert notebooks_folder(None) == ROOT / "notebooks"


def test_a_folder_of_one_s_own_gets_the_course_and_keeps_what_it_has(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "01_first_scan.ipynb").write_text("changed by me")
    assert notebooks_folder(mine) == mine
    assert (mine / "01_first_scan.ipynb").read_text() == "changed by me"
    (mine / "01_first_scan.ipynb").unlink()
    notebooks_folder(mine)
    assert json.loads((mine / "01_first_scan.ipynb").read_text())["nbformat"] == 4


def test_a_wheel_brings_the_course_to_the_home_folder(monkeypatch, tmp_path):
    installed = tmp_path / "site-packages" / "skyscan_lab"
    (installed / "notebooks").mkdir(parents=True)
    (installed / "notebooks" / "01.ipynb").write_text("{}")
    (installed.parent / "notebooks").mkdir()  # somebody else's
    monkeypatch.setattr(notebooks, "files", lambda _: installed)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = notebooks_folder(None)
    assert folder == tmp_path / "home" / "skyscan-notebooks"
    assert [path.name for path in folder.iterdir()] == ["01.ipynb"]
