"""What an error of the database driver means for those who use the store."""

from __future__ import annotations

import sqlalchemy as sa

from skyscan_server.store.errors import StoreAway, StoreError, StoreFull

_FULL_PERHAPS = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE"}
_FULL = {"SQLITE_FULL", "53100", *_FULL_PERHAPS}

# Classes of PostgreSQL's codes that speak of the server and the moment, not of the statement:
# no connection, a deadlock, no resources, a lock, an operator's intervention, its system.
_MOMENTARY = ("08", "40", "53", "55", "57", "58")


def store_error(error: Exception) -> StoreError | None:
    """Return what an error says about the store; None where it is about the statement."""
    if isinstance(error, sa.exc.DBAPIError):
        code = _code(error)
        if code in _FULL:
            return StoreFull(f"the database takes nothing: {in_words(error)}")
        if not (
            error.connection_invalidated
            or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
            or code.startswith(_MOMENTARY)
        ):
            return None
    elif not isinstance(error, OSError | sa.exc.TimeoutError):
        return None
    return StoreAway(f"the database cannot be used at present: {in_words(error)}")


def in_words(error: Exception) -> str:
    """Return what is wrong, without the statement and its values."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    cause = getattr(cause, "orig", None) or cause  # what the driver's own error is made from
    words = str(cause) or type(cause).__name__
    # SQLite says "disk I/O error" of every write and growth that fails, on a full disk above all.
    return f"{words} (is the disk full?)" if _code_of(cause) in _FULL_PERHAPS else words


def _code(error: sa.exc.DBAPIError) -> str:
    return _code_of(error.orig)


def _code_of(cause: BaseException | None) -> str:
    """SQLite's name of an error, or PostgreSQL's five characters."""
    return getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
