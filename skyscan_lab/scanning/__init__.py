"""Scanning: the plan, the journal on disk, and the engine that carries the plan out."""

from skyscan_lab.protocol.plans import PlanLocation, ReferenceDirection, ScanPlan, make_plan
from skyscan_lab.protocol.recording import Recording
from skyscan_lab.scanning.durations import Timing, estimate
from skyscan_lab.scanning.engine import ScanEngine
from skyscan_lab.scanning.faults import FaultPolicy
from skyscan_lab.scanning.journal import Journal, open_journal
from skyscan_lab.scanning.progress import Progress
from skyscan_lab.scanning.recovery import read_journal
from skyscan_lab.scanning.running import RunningScan, journal_folder, scan

__all__ = [
    "FaultPolicy",
    "Journal",
    "PlanLocation",
    "Progress",
    "Recording",
    "ReferenceDirection",
    "RunningScan",
    "ScanEngine",
    "ScanPlan",
    "Timing",
    "estimate",
    "journal_folder",
    "make_plan",
    "open_journal",
    "read_journal",
    "scan",
]
