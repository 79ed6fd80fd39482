"""Truth: the system's own record of a file's mode and owner, and what other processes see."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from skyscan_lab.client.private_file import create_private, read_private, write_private
from skyscan_lab.errors import FileError


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("write", [write_private, create_private])
def test_written_for_the_owner_alone(tmp_path, umask, write):
    path = tmp_path / "new" / "secret.json"
    write(path, b"secret")
    assert mode_of(path) == 0o600
    assert mode_of(path.parent) == 0o700
    assert read_private(path) == b"secret"
    assert list(path.parent.iterdir()) == [path], "nothing else is left"


def test_whole_and_closed_to_others_before_it_has_its_name(tmp_path, monkeypatch):
    synced = []

    def fsync(descriptor):
        found = os.fstat(descriptor)
        synced.append((stat.filemode(found.st_mode)[0], found.st_size, path.exists()))
        if stat.S_ISREG(found.st_mode):
            assert found.st_mode & 0o777 == 0o600

    path = tmp_path / "secret.json"
    monkeypatch.setattr(os, "fsync", fsync)
    write_private(path, b"secret")
    above, file, folder = synced
    assert (above[0], above[2]) == ("d", False), "the folder's own name"
    assert file == ("-", 6, False), "the file, with all that is in it"
    assert (folder[0], folder[2]) == ("d", True), "then its name"


def test_writing_replaces_and_creating_does_not(tmp_path):
    path = tmp_path / "secret.json"
    assert create_private(path, b"first") is True
    assert create_private(path, b"second") is False
    assert read_private(path) == b"first"
    write_private(path, b"third")
    assert read_private(path) == b"third"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_closes_a_file_that_was_open(tmp_path):
    path = tmp_path / "secret.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert mode_of(path) == 0o600


def test_no_file_is_none(tmp_path):
    assert read_private(tmp_path / "secret.json") is None
    assert read_private(tmp_path / "folder" / "secret.json") is None


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o610, 0o666], ids=oct)
def test_open_to_others_is_refused_and_the_way_out_named(tmp_path, mode):
    path = tmp_path / "secret.json"
    write_private(path, b"secret")
    path.chmod(mode)
    with pytest.raises(FileError, match=f"chmod 600 {path}"):
        read_private(path)


def test_another_users_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "secret.json"
    write_private(path, b"secret")
    # Giving a file away takes a superuser; being somebody else is the same question.
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(FileError, match=f"belongs to user {path.stat().st_uid}, not to you"):
        read_private(path)


def test_a_link_is_refused(tmp_path):
    write_private(tmp_path / "elsewhere.json", b"secret")
    (tmp_path / "secret.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(FileError, match="symbolic link"):
        read_private(tmp_path / "secret.json")


def test_other_trouble_is_the_systems_own_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        read_private(tmp_path / "file" / "secret.json")


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "secret.json", 0o600)
    with pytest.raises(FileError, match="no plain file"):
        read_private(tmp_path / "secret.json")


def test_a_huge_file_is_refused(tmp_path):
    path = tmp_path / "secret.json"
    write_private(path, bytes(2**20))
    assert len(read_private(path)) == 2**20
    os.truncate(path, 2**20 + 1)
    with pytest.raises(FileError, match="must be at most 1048576"):
        read_private(path)


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "secret.json"
    write_private(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*secret\.json"):
        write_private(path, b"new")
    assert read_private(path) == b"old"
    assert list(tmp_path.iterdir()) == [path]


RACE = """
import sys
from pathlib import Path
from skyscan_lab.client.private_file import create_private, read_private
path, mine = Path(sys.argv[1]), sys.argv[2].encode() * 5000
print("ready", flush=True)
sys.stdin.read()
wrote = create_private(path, mine)
sys.stdout.write(f"{int(wrote)} {read_private(path)[:1].decode()} {len(read_private(path))}")
"""


def test_of_several_processes_one_creates_it(tmp_path):
    path = tmp_path / "secret.json"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, path, letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for letter in "abcd"
    ]
    assert {process.stdout.readline() for process in processes} == {"ready\n"}
    for process in processes:
        process.stdin.close()  # all go at once
    answers = [process.stdout.read().split() for process in processes]
    for process in processes:
        process.stdout.close()
        assert process.wait(30) == 0
    assert sum(int(wrote) for wrote, _, _ in answers) == 1
    assert len({letter for _, letter, _ in answers}) == 1, "all see the same"
    assert {length for _, _, length in answers} == {"5000"}, "and all of it"
