"""A disk, as a power cut may leave it.

What was synced is there. Of what came after, a cut may leave anything: of the bytes written to a
file all, none, a part, or some sectors of 512 bytes and not others, with a length that was set
before the bytes arrived; of the names made, changed and removed in a folder any, each by itself.
File systems promise more than that, each something else; POSIX does not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns.system_calls import (
    Event,
    Linked,
    Made,
    ModeSet,
    Removed,
    Renamed,
    Resized,
    Synced,
    Written,
)

UMASK = 0o022


@dataclass(slots=True)
class _Change:
    """Something that a sync that begins after it makes certain."""

    at: int
    ended: int


@dataclass(slots=True)
class _Bytes(_Change):
    offset: int
    data: bytes


@dataclass(slots=True)
class _Length(_Change):
    size: int


@dataclass(slots=True)
class _Names(_Change):
    """Names that change in one step; None for one that is gone."""

    names: list[tuple[_Folder, str, _File | _Folder | None]]


@dataclass(slots=True)
class _File:
    mode: int
    durable: bytearray = field(default_factory=bytearray)
    since: list[_Bytes | _Length] = field(default_factory=list)
    size: int = 0

    def sync(self, began: int) -> None:
        for change in self.since:
            if change.ended < began:
                _apply(self.durable, change)
        self.since = [change for change in self.since if change.ended >= began]


@dataclass(slots=True, eq=False)
class _Folder:
    live: dict[str, _File | _Folder] = field(default_factory=dict)
    durable: dict[str, _File | _Folder] = field(default_factory=dict)


Keep = Callable[[_Change], bool]


@dataclass(frozen=True)
class Cut:
    """One thing that a cut may leave of what was not synced.

    Attributes
    ----------
    name, words : str
        What it is called, and what it is.
    names, whole : callable
        Whether a change of names is there, and whether bytes are, all of them.
    sector : int
        Where they are not: size of the pieces that may be there by themselves; 0 for none.
    """

    name: str
    words: str
    names: Callable[[random.Random, float], bool]
    whole: Callable[[random.Random, float], bool]
    sector: int = 0


def _always(_chance: random.Random, _age: float) -> bool:
    return True


def _never(_chance: random.Random, _age: float) -> bool:
    return False


def _tossed(chance: random.Random, _age: float) -> bool:
    return chance.random() < 0.5


def _older(_chance: random.Random, age: float) -> bool:
    return age > 0


EVERYTHING = Cut("everything", "all of it is there", _always, _always)
CUTS = (
    Cut("nothing", "none of it is there", _never, _never),
    EVERYTHING,
    Cut("names", "names are as they were last, no byte arrived", _always, _never),
    Cut("bytes", "all bytes arrived, no name did", _never, _always),
    Cut("a moment", "all up to some moment, then sectors of 512 bytes", _older, _older, 512),
    Cut("sectors", "some names, some sectors of 512 bytes", _tossed, _never, 512),
    Cut("pages", "some names, some pieces of 4096 bytes", _tossed, _never, 4096),
)
"""What is left of what was not synced."""


class Disk:
    """One folder of a recording, and what of it is on the disk for certain.

    Parameters
    ----------
    root : Path
        The folder that it stands in, which is on the disk. All its events are under `root` /
        `name`.
    name : str
        Its name, which may not be there at first.
    made : bool
        Whether it is.
    """

    def __init__(self, root: Path, name: str, *, made: bool) -> None:
        self._root = root
        self._name = name
        self._top = _Folder()
        self._changes: list[_Names] = []
        if made:
            self._top.live[name] = self._top.durable[name] = _Folder()

    def concerns(self, event: Event) -> bool:
        """Whether an event is about it."""
        path = getattr(event.what, "path", None)
        if path is None:
            return False
        return path == self._root or path.is_relative_to(self._root / self._name)

    def take(self, event: Event) -> None:
        """Take the next event that concerns it."""
        began, ended = event.began, event.ended
        match event.what:
            case Made(path, folder, mode):
                made = _Folder() if folder else _File(mode & ~UMASK)
                self._rename(began, ended, (path, made))
            case Linked(path, other):
                self._rename(began, ended, (other, self._find(path)))
            case Renamed(path, other):
                self._rename(began, ended, (path, None), (other, self._find(path)))
            # A socket has a name, and how it came by it is not recorded.
            case Removed(path) | ModeSet(path) if path.name not in self._folder(path.parent).live:
                pass
            case Removed(path):
                self._rename(began, ended, (path, None))
            case ModeSet(path, mode):
                self._file(path).mode = mode
            case Written(path, offset, data):
                file = self._file(path)
                start = file.size if offset is None else offset
                file.since.append(_Bytes(began, ended, start, data))
                file.size = max(file.size, start + len(data))
            case Resized(path, size):
                file = self._file(path)
                file.since.append(_Length(began, ended, size))
                file.size = size
            case Synced(path):
                self._sync(path, began)

    def left(self, cut: Cut, chance: random.Random) -> dict[Path, tuple[int, bytes] | None]:
        """Files and folders that a cut leaves now: mode and bytes by path; None for a folder."""
        moment = self._moment(chance)
        tree: dict[int, dict[str, _File | _Folder]] = {}

        def names(folder: _Folder) -> dict[str, _File | _Folder]:
            return tree.setdefault(id(folder), dict(folder.durable))

        for change in self._changes:
            if cut.names(chance, moment - change.at):
                for folder, name, thing in change.names:
                    if thing is None:
                        names(folder).pop(name, None)
                    else:
                        names(folder)[name] = thing
        found: dict[Path, tuple[int, bytes] | None] = {}

        def walk(folder: _Folder, at: Path) -> None:
            for name, thing in sorted(names(folder).items()):
                if isinstance(thing, _Folder):
                    found[at / name] = None
                    walk(thing, at / name)
                # SQLite makes its index anew; nobody writes it through calls.
                elif not name.endswith("-shm"):
                    found[at / name] = (thing.mode, _left_of(thing, cut, chance, moment))

        walk(self._top, Path())
        return found

    def _moment(self, chance: random.Random) -> float:
        """Some moment since something was not synced."""
        moments = [change.at for change in self._changes]
        moments += [change.at for file in _files(self._top, set()) for change in file.since]
        return chance.uniform(min(moments), max(moments) + 1) if moments else 0.0

    def _rename(self, began: int, ended: int, *names: tuple[Path, _File | _Folder | None]) -> None:
        change = _Names(began, ended, [(self._folder(p.parent), p.name, t) for p, t in names])
        self._changes.append(change)
        for folder, name, thing in change.names:
            if thing is None:
                del folder.live[name]
            else:
                folder.live[name] = thing

    def _sync(self, path: Path, began: int) -> None:
        thing = self._find(path)
        if isinstance(thing, _File):
            thing.sync(began)
            return
        kept = []
        for change in self._changes:
            if change.ended < began and any(folder is thing for folder, _, _ in change.names):
                for folder, name, found in change.names:
                    if found is None:
                        folder.durable.pop(name, None)
                    else:
                        folder.durable[name] = found
            else:
                kept.append(change)
        self._changes = kept

    def _find(self, path: Path) -> _File | _Folder:
        found: _File | _Folder = self._top
        for part in path.relative_to(self._root).parts:
            assert isinstance(found, _Folder), path
            found = found.live[part]
        return found

    def _folder(self, path: Path) -> _Folder:
        found = self._find(path)
        assert isinstance(found, _Folder), path
        return found

    def _file(self, path: Path) -> _File:
        found = self._find(path)
        assert isinstance(found, _File), path
        return found


def write_out(tree: dict[Path, tuple[int, bytes] | None], folder: Path) -> None:
    """Write what is left of a disk into a folder."""
    for path, thing in tree.items():
        if thing is None:
            (folder / path).mkdir()
        else:
            mode, data = thing
            (folder / path).write_bytes(data)
            (folder / path).chmod(mode)


def _files(folder: _Folder, seen: set[int]) -> Iterator[_File]:
    for thing in (*folder.live.values(), *folder.durable.values()):
        if id(thing) not in seen:
            seen.add(id(thing))
            if isinstance(thing, _File):
                yield thing
            else:
                yield from _files(thing, seen)


def _left_of(file: _File, cut: Cut, chance: random.Random, moment: float) -> bytes:
    data = bytearray(file.durable)
    for change in file.since:
        if cut.whole(chance, moment - change.at):
            _apply(data, change)
        elif not cut.sector:
            continue
        elif isinstance(change, _Length):
            if chance.random() < 0.5:
                _apply(data, change)
        else:
            _apply_torn(data, change, cut.sector, chance)
    return bytes(data)


def _apply_torn(data: bytearray, change: _Bytes, sector: int, chance: random.Random) -> None:
    end = change.offset + len(change.data)
    start = change.offset
    while start < end:
        stop = min((start // sector + 1) * sector, end)
        if chance.random() < 0.5:
            piece = change.data[start - change.offset : stop - change.offset]
            _apply(data, _Bytes(change.at, change.ended, start, piece))
        start = stop
    if len(data) < end and chance.random() < 0.5:
        data.extend(bytes(end - len(data)))  # its length arrived, the bytes did not


def _apply(data: bytearray, change: _Bytes | _Length) -> None:
    if isinstance(change, _Length):
        del data[change.size :]
        data.extend(bytes(change.size - len(data)))
        return
    if len(data) < change.offset:
        data.extend(bytes(change.offset - len(data)))
    data[change.offset : change.offset + len(change.data)] = change.data
