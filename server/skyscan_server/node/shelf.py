"""Where the journals of a node lie, and what it was told about each.

::

    journals/NAME.journal              the records
    journals/NAME.task.json            the task as last told by the hub: a scan that has been
                                       granted goes on after a crash, hub or no hub
    journals/unclaimed/NAME.journal    of a session that the hub does not know: kept for people,
                                       and taken back should the hub ask for it
    journals/NAME.journal.corrupt      damaged; kept for people

Every method blocks, and is called in a thread.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from skyscan_lab.atomic import write_atomically
from skyscan_lab.folders import make_folder
from skyscan_lab.protocol.node_link import Task

# Names of sessions come from the hub: only the plainest become names of files.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

log = structlog.get_logger(__name__)


class Kept(BaseModel):
    """What is kept of a task.

    ``lost`` says in words why the session can never go on here.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: Task
    lost: str | None = None


def file_name(session: str) -> str:
    """Name of a session's files.

    Examples
    --------
    >>> file_name("20260214T020000Z-1a2b3c4d")
    '20260214T020000Z-1a2b3c4d'
    >>> file_name("../../etc/passwd")
    'session-3754d6cb3a38e118'
    """
    if _PLAIN.fullmatch(session):
        return session
    return f"session-{hashlib.sha256(session.encode()).hexdigest()[:16]}"


class Shelf:
    """Journals and tasks in a folder.

    Parameters
    ----------
    folder : Path
        Made when something is put there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def journal(self, session: str) -> Path:
        """File of a session's records."""
        return self.folder / f"{file_name(session)}.journal"

    def keep(self, kept: Kept) -> None:
        """Remember a task, durably."""
        make_folder(self.folder)
        write_atomically(self._task(kept.task.plan.session), kept.model_dump_json().encode())

    def all(self) -> list[Kept]:
        """Every task remembered; what cannot be read, or belongs to none, is put aside."""
        found = list(self._all())
        known = {self.journal(kept.task.plan.session) for kept in found}
        for journal in set(self.folder.glob("*.journal")) - known:
            log.warning("journal without a task", kept_as=str(self._set_aside(journal)))
        return found

    def has_journal(self, session: str) -> bool:
        """Whether there is a journal of a session."""
        return self.journal(session).exists()

    def forget(self, session: str) -> None:
        """Remove a session's files, the task first: without its journal it would begin anew."""
        self._task(session).unlink(missing_ok=True)
        self.journal(session).unlink(missing_ok=True)

    def set_aside(self, session: str) -> Path:
        """Put a session that the hub does not know where people find it."""
        place = self._set_aside(self.journal(session))
        self._task(session).unlink(missing_ok=True)
        return place

    def take_back(self, session: str) -> bool:
        """Put a journal that was set aside in its place again, where there is one."""
        journal = self.journal(session)
        aside = self.folder / "unclaimed" / journal.name
        if journal.exists() or not aside.exists():
            return False
        aside.replace(journal)
        return True

    def set_corrupt(self, session: str) -> Path:
        """Put a damaged journal aside."""
        return _renamed(self.journal(session))

    def _set_aside(self, journal: Path) -> Path:
        aside = self.folder / "unclaimed"
        make_folder(aside)
        with suppress(FileNotFoundError):
            journal.replace(aside / journal.name)
        return aside / journal.name

    def _all(self) -> Iterator[Kept]:
        for path in sorted(self.folder.glob("*.task.json")):
            try:
                yield Kept.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                # Written in one step, so no crash of ours has done this. The hub still knows.
                log.warning("task cannot be read", path=str(path), reason=str(error))
                with suppress(OSError):
                    _renamed(path)

    def _task(self, session: str) -> Path:
        return self.folder / f"{file_name(session)}.task.json"


def _renamed(path: Path) -> Path:
    """Give a file a name of its own that nothing looks for."""
    place = path.with_name(f"{path.name}.corrupt")
    number = 1
    while place.exists():
        number += 1
        place = path.with_name(f"{path.name}.corrupt{number}")
    path.replace(place)
    return place
