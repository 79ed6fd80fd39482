"""The whole record of a scan, in memory: what was to be scanned, and all that came of it."""

from __future__ import annotations

from dataclasses import dataclass

from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.records import Entry


@dataclass(frozen=True)
class Recording:
    """Everything that is known of a scan; `skyscan_lab.recording.session_of` adds it up.

    Attributes
    ----------
    plan : ScanPlan
        What was to be scanned.
    entries : tuple of Entry
        Its records, in order.
    """

    plan: ScanPlan
    entries: tuple[Entry, ...]
