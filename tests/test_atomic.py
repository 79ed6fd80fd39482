"""Truth: the file system, when writes fail half way."""

import os
import resource

import pytest

from skyscan_lab.atomic import write_atomically


@pytest.fixture
def full_disk():
    """A real write that the kernel refuses beyond 64 kB, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, full_disk):
    target = tmp_path / "session.nc"
    target.write_bytes(b"old")
    with pytest.raises(OSError, match="too large") as raised:
        write_atomically(target, bytes(200_000))
    assert raised.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["session.nc"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "absent" / "session.nc", b"new")


def test_the_new_file_has_the_mode_of_the_old_one(tmp_path):
    target = tmp_path / "session.nc"
    target.write_bytes(b"old")
    target.chmod(0o640)
    assert write_atomically(target, b"new") == target
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "session.nc", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "session.nc").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.nc").write_bytes(b"old")
    (tmp_path / "link.nc").symlink_to("real.nc")
    write_atomically(tmp_path / "link.nc", b"new")
    assert (tmp_path / "link.nc").is_symlink()
    assert (tmp_path / "real.nc").read_bytes() == b"new"


def test_the_bytes_are_on_disk_before_the_name_is(tmp_path, monkeypatch):
    """Recorded at the system's own calls, which still happen."""
    order = []
    fsync, replace = os.fsync, os.replace

    def recording_fsync(descriptor):
        order.append("fsync")
        fsync(descriptor)

    def recording_replace(source, target):
        order.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(os, "replace", recording_replace)
    write_atomically(tmp_path / "session.nc", b"new")
    assert order == ["fsync", "rename", "fsync"]
