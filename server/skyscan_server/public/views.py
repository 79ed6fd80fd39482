"""From stored rows to the resources of the API."""

from __future__ import annotations

from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.skyscan import ScanDetail, ScanRequest, ScanSession, progress_pct
from skyscan_server.store.rotors import RotorRow
from skyscan_server.store.sessions import SessionRow


def scan_session(row: SessionRow) -> ScanSession:
    """Session as the specification has it."""
    asked = ScanRequest.model_validate({**row.request, "rotor_id": row.rotor_id})
    status = ScanStatus(row.status)
    return ScanSession(
        id=row.id,
        rotor_id=row.rotor_id,
        status=status,
        az_start=asked.az_start,
        az_end=asked.az_end,
        el_start=asked.el_start,
        el_end=asked.el_end,
        step_deg=asked.step_deg,
        rssi_iterations=asked.rssi_iterations,
        total_points=row.total,
        completed_points=row.done,
        progress_pct=progress_pct(row.done, row.total, status),
        started_at=row.started_at,
        finished_at=row.finished_at,
        notes=row.notes,
    )


def scan_detail(
    row: SessionRow, rotor: RotorRow, *, online: bool, trouble: str | None
) -> ScanDetail:
    """Session with what the specification has no field for."""
    plan = ScanPlan.model_validate(row.plan)
    return ScanDetail(
        **scan_session(row).model_dump(),
        number=row.number,
        missing_points=row.missing,
        reasons=tuple(PauseReason(reason) for reason in row.reasons),
        words=trouble or row.words,
        units=plan.units,
        title=plan.title,
        created_at=row.created_at,
        rotor_name=rotor.name,
        node=rotor.node,
        online=online,
    )
