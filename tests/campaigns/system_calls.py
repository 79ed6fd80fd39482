"""What processes did to the files of a folder, and what they sent, from a recording of strace.

One strace records all of them, so the order of its lines is the order in which things happened,
and no two clocks have to agree. A call takes from the line that begins it to the line that ends
it. Whatever changes a file in a way that is not understood here is an error: a recording that
lacks a write would prove nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FILES = (
    "open,openat,creat,lseek,write,writev,pwrite64,pwritev,pwritev2,truncate,ftruncate,fallocate,"
    "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,"
    "symlink,symlinkat,chmod,fchmod,fchmodat,copy_file_range,sendfile,splice,mmap,io_uring_setup"
)
_SOCKETS = "sendto,sendmsg,sendmmsg"
_LARGEST = 2**24
"""Longest text that strace writes out whole."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new file or folder has a name."""

    path: Path
    folder: bool
    mode: int


@dataclass(frozen=True, slots=True)
class Linked:
    """A file has one more name, in the place of a file that had it."""

    path: Path
    other: Path


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file or folder has another name, in the place of a file that had it."""

    path: Path
    other: Path


@dataclass(frozen=True, slots=True)
class Removed:
    """A name is gone."""

    path: Path


@dataclass(frozen=True, slots=True)
class ModeSet:
    """Who may read a file is another."""

    path: Path
    mode: int


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes were written; at the end of the file where there is no offset."""

    path: Path
    offset: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file has another length."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A file or folder is on the disk as it was when the call began."""

    path: Path


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes were sent over TCP, between two ports of this machine."""

    local: int
    remote: int
    data: bytes


What = Made | Linked | Renamed | Removed | ModeSet | Written | Resized | Synced | Sent


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    began, ended : int
        Lines of the recording; none has two events.
    """

    what: What
    began: int
    ended: int

    @property
    def at(self) -> int:
        """From where on it may be so; for a sync, from where on it is certain."""
        return self.ended if isinstance(self.what, Synced) else self.began


def record(command: Sequence[str], recording: Path) -> None:
    """Run a command, and record what it and all that it starts do.

    Raises
    ------
    subprocess.CalledProcessError
        Where it fails.
    """
    strace = [
        *("strace", "-f", "--seccomp-bpf", "-qq", "-yy", "-xx", "-s", str(_LARGEST)),
        *("-e", f"trace={_FILES},{_SOCKETS}", "-e", "signal=none", "-o", str(recording)),
    ]
    subprocess.run([*strace, *command], check=True)


def events(recording: Path, folder: Path) -> list[Event]:
    """Everything in a recording that concerns a folder, and all that was sent, in order."""
    reading = _Reading(folder)
    found = [
        Event(what, call.began, call.ended)
        for call in sorted(_calls(recording), key=lambda call: call.began)
        for what in reading.of(call)
    ]
    return sorted(found, key=lambda event: event.at)


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    arguments: str
    result: int
    began: int
    ended: int


_BEGUN = re.compile(r"(\d+) +(?:(\w+)\((.*) <unfinished \.\.\.>|<\.\.\. (\w+) resumed>(.*))$")
_WHOLE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)")


def _calls(recording: Path) -> Iterator[_Call]:
    begun: dict[str, tuple[str, int]] = {}
    with recording.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            text, began = line.rstrip("\n"), number
            if parts := _BEGUN.match(text):
                process, name, arguments, resumed, rest = parts.groups()
                if name is not None:
                    begun[process] = (f"{process} {name}({arguments}", number)
                    continue
                head, began = begun.pop(process)
                assert f" {resumed}(" in head, text[:200]
                text = head + rest
            if whole := _WHOLE.match(text):
                name, arguments, result = whole.groups()
                yield _Call(name, arguments, int(result), began, number)
            else:  # a process that ended or was killed, a call that never returned
                assert re.match(r"\d+ +(\+\+\+|---|\w+\(.*\) += \?)", text), text[:200]


_HEX = r"(?:\\x[0-9a-f]{2})*"
_TEXT = re.compile(rf'"({_HEX})"')
_DESCRIPTOR = re.compile(rf"(?:\d+|AT_FDCWD)<({_HEX})>(\(deleted\))?")
_TCP = re.compile(r"\d+<TCP:\[[\d.]+:(\d+)->[\d.]+:(\d+)\]>")
_SOCKET_OR_PIPE = re.compile(r"\d+<[A-Za-z]")


class _Reading:
    """Makes events of calls, knowing where each open file stands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._position: dict[Path, int | None] = {}  # None: always at the end
        self._known: set[Path] = set()

    def of(self, call: _Call) -> Iterator[What]:
        if call.result < 0 or not call.arguments:
            return
        match call.name:
            case "write" | "writev" | "sendto" | "sendmsg" | "sendmmsg":
                yield from self._write(call)
            case "open" | "openat":
                yield from self._open(call)
            case "fsync" | "fdatasync":
                yield from (Synced(path) for path in self._descriptor(call))
            case "lseek":
                for path in self._descriptor(call):
                    self._position[path] = call.result
            case "pwrite64":
                for path in self._descriptor(call):
                    offset = int(call.arguments.rpartition(", ")[2])
                    yield Written(path, offset, _texts(call)[0][: call.result])
            case "ftruncate":
                for path in self._descriptor(call):
                    yield Resized(path, int(call.arguments.rpartition(", ")[2]))
            case "fchmod":
                for path in self._descriptor(call):
                    yield ModeSet(path, int(call.arguments.rpartition(", ")[2], 8))
            case "mmap":
                # The index of SQLite's log is rebuilt after a crash, so what it holds is nothing.
                for path in self._descriptor(call):
                    if "MAP_SHARED" in call.arguments and "PROT_WRITE" in call.arguments:
                        assert path.name.endswith("-shm"), call
            case _:
                yield from self._names(call)

    def _write(self, call: _Call) -> Iterator[What]:
        if socket := _TCP.match(call.arguments):
            assert call.name != "sendmmsg", call
            local, remote = map(int, socket.groups())
            yield Sent(local, remote, b"".join(_texts(call))[: call.result])
        elif not _SOCKET_OR_PIPE.match(call.arguments):
            for path in self._descriptor(call):
                position = self._position[path]
                yield Written(path, position, b"".join(_texts(call))[: call.result])
                if position is not None:
                    self._position[path] = position + call.result

    def _open(self, call: _Call) -> Iterator[What]:
        (path,) = self._paths(call) or (None,)
        if path is None:
            return
        flags = call.arguments.split('"')[2]
        assert "O_TMPFILE" not in flags, call
        self._position[path] = None if "O_APPEND" in flags else 0
        if "O_CREAT" in flags and path not in self._known:
            self._known.add(path)
            yield Made(path, folder=False, mode=int(flags.rpartition(", ")[2], 8))
        if "O_TRUNC" in flags:
            yield Resized(path, 0)

    def _names(self, call: _Call) -> Iterator[What]:
        paths = self._paths(call)
        if not paths:
            for path in self._descriptor(call):
                raise AssertionError(f"{call.name} of {path} is not understood")
            return
        match call.name:
            case "mkdir" | "mkdirat":
                mode = int(call.arguments.rpartition(", ")[2], 8)
                yield Made(paths[0], folder=True, mode=mode)
            case "rename" | "renameat" | "renameat2":
                assert "RENAME_" not in call.arguments, call
                self._known.discard(paths[0])
                self._known.add(paths[1])
                yield Renamed(*paths)
            case "link" | "linkat":
                self._known.add(paths[1])
                yield Linked(*paths)
            case "unlink" | "unlinkat" | "rmdir":
                self._known.discard(paths[0])
                yield Removed(paths[0])
            case "chmod" | "fchmodat":
                mode = re.search(r'", (0\d*)', call.arguments)
                assert mode is not None, call
                yield ModeSet(paths[0], int(mode[1], 8))
            case "truncate":
                yield Resized(paths[0], int(call.arguments.rpartition(", ")[2]))
            case _:
                raise AssertionError(f"{call.name} of {paths} is not understood")

    def _descriptor(self, call: _Call) -> list[Path]:
        """File in the folder that the first argument is open for; none where it is elsewhere.

        What is written to a file that has lost its name is not there after a cut.
        """
        pattern = _DESCRIPTOR.search if call.name == "mmap" else _DESCRIPTOR.match
        found = pattern(call.arguments)
        if found is None or found[2] is not None:
            return []
        return self._ours(Path(os.fsdecode(_bytes(found[1]))))

    def _paths(self, call: _Call) -> list[Path]:
        """Paths among the arguments, where they are in the folder."""
        found = []
        base = Path()
        for part in re.finditer(rf'{_DESCRIPTOR.pattern}, |"({_HEX})"', call.arguments):
            if part[3] is None:
                base = Path(os.fsdecode(_bytes(part[1])))
            else:
                found.append(base / os.fsdecode(_bytes(part[3])))
        ours = [path for path in found if self._ours(path)]
        assert len(ours) in (0, len(found)), f"{call.name} leads out of the folder: {found}"
        return ours

    def _ours(self, path: Path) -> list[Path]:
        return [path] if path.is_relative_to(self._folder) else []


def _texts(call: _Call) -> list[bytes]:
    assert '"...' not in call.arguments, f"{call.name}: more than {_LARGEST} bytes"
    return [_bytes(text) for text in _TEXT.findall(call.arguments)]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
