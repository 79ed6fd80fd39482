"""From the whole record of a scan to the session Dataset that it adds up to.

A journal on disk and a hub's store both keep the record; what can be said about the sky from it
does not depend on who did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr

from skyscan_lab.power import Domain
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.recording import Recording
from skyscan_lab.protocol.records import (
    Entry,
    MissingRecord,
    PointRecord,
    ReferenceRecord,
    StatusRecord,
)
from skyscan_lab.session import (
    Flag,
    empty_session,
    samples_of,
    session_from_points,
    validate,
    with_references,
)
from skyscan_lab.sphere import azimuth_difference

_FLAG = {"reading_failed": Flag.READING_FAILED, "out_of_limits": Flag.OUT_OF_LIMITS}


def session_of(recording: Recording) -> xr.Dataset:
    """Session of a scan, as far as it has got.

    Each point is put into the cell that it was measured for. Its measured azimuth is given on
    the turn nearest to that cell's, whatever turn of its cable the rotor was on. Readings of a
    reference direction are attached as `skyscan_lab.session.references_of` returns them.

    Parameters
    ----------
    recording : Recording
        From `skyscan_lab.scanning.read_journal`, or of an open journal.

    Returns
    -------
    Dataset
        A valid gridded session; the same records give the same Dataset, to the last bit.
    """
    plan, records = recording.plan, [entry.record for entry in recording.entries]
    cells = list(plan.grid.visits())
    points = [record for record in records if isinstance(record, PointRecord)]
    missing = [record for record in records if isinstance(record, MissingRecord)]
    ds = empty_session(
        plan.grid,
        units=plan.units,
        location=_location(plan),
        averaging=_averaging(points),
        attrs=_attributes(plan, recording.entries),
    )
    rows = np.array([cells[point.sequence].row for point in points], dtype=int)
    columns = np.array([cells[point.sequence].column for point in points], dtype=int)
    azimuth = np.array([point.azimuth_deg for point in points], dtype=float)
    nominal = plan.grid.azimuths[columns]
    values: dict[str, Any] = {
        "rssi": [point.mean for point in points],
        "rssi_std": [_or_nan(point.std) for point in points],
        "rssi_reads": [point.reads for point in points],
        "rssi_last": [point.last for point in points],
        "azimuth_measured": nominal + azimuth_difference(azimuth, nominal),
        "elevation_measured": [point.elevation_deg for point in points],
        "time": _times(points),
        "sequence": [point.sequence for point in points],
        "flag": int(Flag.MEASURED),
    }
    for name, column in values.items():
        ds[name].values[rows, columns] = column
    for record in missing:
        cell = cells[record.sequence]
        ds["flag"].values[cell.row, cell.column] = _FLAG[record.reason]
    looks = [record for record in records if isinstance(record, ReferenceRecord)]
    if any(look.mean is not None for look in looks):
        ds = with_references(ds, _references(plan, looks))
    return validate(ds)


def _references(plan: ScanPlan, looks: list[ReferenceRecord]) -> xr.Dataset:
    return samples_of(
        session_from_points(
            [look.azimuth_deg for look in looks],
            [look.elevation_deg for look in looks],
            [_or_nan(look.mean) for look in looks],
            time=_times(looks),
            reads=[look.reads for look in looks],
            std=[_or_nan(look.std) for look in looks],
            last=[_or_nan(look.last) for look in looks],
            units=plan.units,
        )
    )


def _location(plan: ScanPlan) -> tuple[float, float, float] | None:
    site = plan.location
    return None if site is None else (site.latitude_deg, site.longitude_deg, site.height_m)


def _averaging(points: list[PointRecord]) -> Domain | None:
    domains = {point.domain for point in points}
    return domains.pop() if len(domains) == 1 else None


def _attributes(plan: ScanPlan, entries: Sequence[Entry]) -> dict[str, Any]:
    changes = [entry.record for entry in entries if isinstance(entry.record, StatusRecord)]
    history = [
        f"{change.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} scan {change.status}"
        for change in changes[:1] + changes[1:][-1:]
    ]
    return {
        **plan.attrs,
        "title": plan.title,
        "session": plan.session,
        "scan_status": str(changes[-1].status) if changes else "pending",
        "rotor": plan.rotor or None,
        "receiver": plan.receiver or None,
        "frequency_hz": plan.frequency_hz,
        "history": "\n".join(history) or "not started",
    }


def _times(
    records: Sequence[PointRecord | ReferenceRecord],
) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    naive: list[datetime] = [record.time.astimezone(UTC).replace(tzinfo=None) for record in records]
    return np.array(naive, dtype="datetime64[us]").astype("datetime64[ns]")


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
