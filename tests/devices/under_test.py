"""What the conformance test gets of each rotor and receiver."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from skyscan_lab.devices.base import Position, Receiver, Rotor
from skyscan_lab.devices.settle import Settling

SETTLING = Settling(tolerance_deg=0.2, settle_s=0.05, stall_s=3.0, timeout_s=20.0)
TIMEOUTS = {"timeout_s": 1.0, "reconnect_s": 3.0}


@dataclass
class RotorUnderTest:
    """A rotor, not yet connected, and what the test may do to its peer."""

    rotor: Rotor
    near: Position  # a degree or two from where it stands
    far: Position  # seconds away
    outside: Position  # beyond its limits
    kill: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]
    sent: Callable[[], list[str]] | None = None  # what the peer was sent, where it tells
    patience_s: float = 15.0  # real seconds within which an error must come


@dataclass
class ReceiverUnderTest:
    """A receiver, not yet connected, and what the test may do to its peer."""

    receiver: Receiver
    units: str
    kill: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]
    rotor: contextlib.AbstractAsyncContextManager = field(default_factory=contextlib.nullcontext)
    patience_s: float = 15.0
