"""Truth: the file system; which folders are synced is seen at the call."""

import os
import stat
from pathlib import Path

import pytest

from skyscan_lab.folders import make_folder


@pytest.fixture
def synced(monkeypatch):
    """Folders synced, in order."""
    order = []
    fsync = os.fsync

    def recording_fsync(descriptor):
        order.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    return order


def test_every_new_name_is_put_on_the_disk_and_that_of_the_folder_above(tmp_path, synced):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert synced == [tmp_path.parent, tmp_path, tmp_path / "a"]


def test_the_name_of_a_folder_that_somebody_made_and_was_killed_is_put_on_the_disk(
    tmp_path, synced
):
    (tmp_path / "a").mkdir()
    make_folder(tmp_path / "a")
    assert synced == [tmp_path]


def test_the_mode_is_of_the_folder_alone(tmp_path):
    make_folder(tmp_path / "a" / "b", mode=0o700)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) != 0o700


def test_a_file_in_its_place_is_an_error(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a")


def test_a_folder_above_that_nobody_may_write_is_an_error():
    with pytest.raises(OSError, match="proc"):
        make_folder(Path("/proc/nothing/a"))
