"""What can be wrong with the store."""

from __future__ import annotations

from skyscan_lab.errors import SkyscanError


class StoreError(SkyscanError):
    """The database cannot be used."""


class StoreInUse(StoreError):
    """Another hub has this SQLite database."""


class StoreFull(StoreError):
    """The database takes nothing at present: most often because the disk is full."""


class NewerSchema(StoreError):
    """The database was made by a newer version of this program."""
