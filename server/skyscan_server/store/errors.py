"""What can be wrong with the store.

::

    StoreError
    ├── StoreAway       it cannot be reached at present, or did not answer in time
    ├── StoreFull       it takes nothing at present: most often because the disk is full
    ├── StoreInUse      another hub has this SQLite database
    ├── NewerSchema     a newer version of this program made it
    └── NotPrepared     it is not ready for a role that may not change it
"""

from __future__ import annotations

from skyscan_lab.errors import SkyscanError


class StoreError(SkyscanError):
    """The database cannot be used."""


class StoreAway(StoreError):
    """The database cannot be reached at present, or did not answer in time."""


class StoreFull(StoreError):
    """The database takes nothing at present: most often because the disk is full."""


class StoreInUse(StoreError):
    """Another hub has this SQLite database."""


class NewerSchema(StoreError):
    """The database was made by a newer version of this program."""


class NotPrepared(StoreError):
    """The database is not ready for a role that may not change it."""
