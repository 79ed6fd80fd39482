"""What an error of the database driver means for those who use the store."""

from __future__ import annotations

import sqlalchemy as sa

from skyscan_server.store.errors import StoreAway, StoreError, StoreFull

_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE", "53100"}

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
    return str(cause) or type(cause).__name__


def _code(error: sa.exc.DBAPIError) -> str:
    """SQLite's name of an error, or PostgreSQL's five characters."""
    cause = error.orig
    return getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
