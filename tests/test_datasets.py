"""Truth: the published checksums, and files that do not have them."""

import shutil

import pooch
import pytest

from skyscan_lab.datasets import RECORDINGS, fetch, is_available
from skyscan_lab.errors import DatasetUnavailable, InvalidInput

NAME = "winegard-g2"


def empty_machine(folder, monkeypatch):
    """A machine that has never fetched anything."""
    monkeypatch.setattr(pooch, "os_cache", lambda project: folder / "cache" / project)
    monkeypatch.delenv("SKYSCAN_DATA", raising=False)
    monkeypatch.delenv("SKYSCAN_OFFLINE", raising=False)


@pytest.mark.recording
def test_the_recording_is_what_was_published():
    recording = fetch(NAME)
    assert is_available(NAME)
    assert set(recording.files) == set(RECORDINGS[NAME])
    assert recording["scan_data.txt"].parent == recording.folder
    assert len(recording["scan_data.txt"].read_text().splitlines()) == 5371
    assert recording["satellites.csv"].read_text().startswith("ECHOSTAR 18,124.12,26.21")


@pytest.mark.recording
def test_skyscan_data_is_checked(tmp_path, monkeypatch):
    shutil.copytree(fetch(NAME).folder, tmp_path / NAME)
    monkeypatch.setenv("SKYSCAN_DATA", str(tmp_path))
    assert fetch(NAME).folder == tmp_path / NAME
    with (tmp_path / NAME / "scan_data.txt").open("a") as file:
        file.write("240.0 59.0 400\n")
    assert not is_available(NAME)
    with pytest.raises(DatasetUnavailable, match="not what was published"):
        fetch(NAME)
    (tmp_path / NAME / "scan_data.txt").unlink()
    with pytest.raises(DatasetUnavailable, match=r"scan_data\.txt is not there: get it from https"):
        fetch(NAME)


@pytest.mark.recording
def test_the_cache_is_enough_without_a_network(tmp_path, monkeypatch):
    here = fetch(NAME).folder
    shutil.copytree(here, tmp_path / "cache" / "skyscan-lab" / NAME)
    empty_machine(tmp_path, monkeypatch)
    monkeypatch.setenv("SKYSCAN_OFFLINE", "1")
    assert is_available(NAME)
    assert fetch(NAME).folder == tmp_path / "cache" / "skyscan-lab" / NAME


def test_offline_says_how_to_get_it(tmp_path, monkeypatch):
    empty_machine(tmp_path, monkeypatch)
    monkeypatch.setenv("SKYSCAN_OFFLINE", "1")
    assert not is_available(NAME)
    with pytest.raises(
        DatasetUnavailable, match=r"SKYSCAN_OFFLINE is set: get it from https.*put it"
    ):
        fetch(NAME)


def test_a_network_that_fails_says_how_to_get_it(tmp_path, monkeypatch):
    """The guard of the tests refuses the connection, as a machine without a network does."""
    empty_machine(tmp_path, monkeypatch)
    with pytest.raises(DatasetUnavailable, match=r"cannot be had .*SKYSCAN_DATA"):
        fetch(NAME)
    assert not list((tmp_path / "cache").rglob("*.txt"))


def test_unknown_names_are_named():
    for call in (fetch, is_available):
        with pytest.raises(InvalidInput, match="winegard-g2"):
            call("winegard-g3")
