"""How long a node waits for what; tests make it shorter."""

from __future__ import annotations

from dataclasses import dataclass

from skyscan_lab.protocol.rpc import JOG_RENEWAL_S


@dataclass(frozen=True, kw_only=True)
class NodeTiming:
    """Waits of a node, in real seconds.

    Parameters
    ----------
    answer_s : float
        For a connection, a token, the hub's welcome, and for a message to leave.
    heartbeat_s : float
        Between two signs of life on the link; without an answer to one it is given up half as
        long later.
    proven_s : float
        How long a link must have lasted for the next loss to be a new one.
    superseded_s, superseded_most_s : float
        Shortest wait after another connection of this node has taken its place: at first, and
        at most. It doubles each time.
    ack_s : float
        Without an acknowledgement for this long, records are sent again.
    resync_s : float
        Between two questions after all tasks, while there are any; five times as long while
        there are none.
    jog_renewal_s : float
        A jog that is not renewed within this time is stopped.
    snapshot_s : float
        Between two looks at a rotor that moves.
    disk_s : float
        Between two tries to write to a disk that takes nothing.
    word_s : float
        When the node starts: for the hub's word on what is taken up again, once it is reached.
    station_s : float
        Longest pause between two tries to reach a station.
    station_grace_s : float
        How long a station may be out of reach, when a scan that was running is taken up
        again, before that is a fault: after a power cut its servers start as late as we do.
    """

    answer_s: float = 10.0
    heartbeat_s: float = 10.0
    proven_s: float = 5.0
    superseded_s: float = 60.0
    superseded_most_s: float = 4 * 3600.0
    ack_s: float = 30.0
    resync_s: float = 60.0
    jog_renewal_s: float = JOG_RENEWAL_S
    snapshot_s: float = 0.2
    disk_s: float = 3.0
    word_s: float = 5.0
    station_s: float = 30.0
    station_grace_s: float = 60.0
