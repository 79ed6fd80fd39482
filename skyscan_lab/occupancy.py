"""What changes on a sky that is scanned again and again: what appears, moves and disappears.

The sources of the sessions are joined to tracks, each session's to those before it by the
pairing of least total cost, and each track is tested against the simplest story: a source that
stands still and is always on.

- **Position.** The squared distances to the weighted mean, in the errors of each session, are
  χ² with 2(k − 1) degrees of freedom.
- **Presence.** Where a session has no source, its reading stayed below the session's threshold.
  The source's signal-to-noise ratio in the others says how improbable that is.

Every p-value is two-sided, and every statement stands with the number of trials: with as many
tests as there are tracks, the smallest p-value of all would be small by chance [1]_.

References
----------
.. [1] Z. Šidák, "Rectangular confidence regions for the means of multivariate normal
   distributions", JASA 62, 626 (1967): 1 − (1 − p)ⁿ.
.. [2] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
   JASA 22, 209 (1927): the interval of a fraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2, norm

from skyscan_lab.errors import InvalidInput
from skyscan_lab.interference.ellipses import direction_covariance
from skyscan_lab.sphere import direction, from_plane, separation, to_plane, unit_vector

STEADY, MOVED = "steady", "moved"
APPEARED, DISAPPEARED, INTERMITTENT = "appeared", "disappeared", "intermittent"

# A pair this improbable is two sources, unless it is near enough to be one that moved.
_GATE = 1e-4


@dataclass(frozen=True)
class _Session:
    """Sources of one session, and above which signal-to-noise ratio it has them all."""

    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]
    covariance: NDArray[np.float64]
    snr: NDArray[np.float64]
    threshold: float
    region: tuple[tuple[float, float], tuple[float, float]] | None

    def covers(self, azimuth: float, elevation: float) -> bool:
        """Whether a direction was looked at."""
        if self.region is None:
            return True
        (west, east), (low, high) = self.region
        return (azimuth - west) % 360.0 <= east - west and low <= elevation <= high


@dataclass
class _Track:
    """Rows of the sources that are taken for one, by session."""

    rows: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Verdict:
    """What the tests say of one track."""

    azimuth: float
    elevation: float
    p_moved: float
    p_presence: float
    trials: int
    pattern: str
    found: int
    looked: int
    occupancy_low: float
    occupancy_high: float
    first: int
    last: int
    displacement: float
    displacement_error: float

    @property
    def occupancy(self) -> float:
        """Fraction of the sessions that looked there and found it."""
        return self.found / self.looked


def occupancy(
    sessions: Sequence[QTable],
    *,
    reach: float = 1.0,
    pointing_sigma: float = 0.0,
    significance: float = 0.01,
) -> QTable:
    """Follow sources through repeated sessions and say what changed.

    Parameters
    ----------
    sessions : sequence of QTable
        Sources of each session, in the order of time, at least two: ``azimuth`` and
        ``elevation``, their errors (as for `skyscan_lab.identify`) and ``snr``. Of the
        ``meta``, ``threshold`` is the signal-to-noise ratio above which sources were taken
        (by default the lowest in all sessions), and ``region``, ((low, high), (low, high)) of
        azimuth and elevation in degrees, where was looked (by default everywhere).
    reach : float
        How far a source may move from one session to the next and still be taken for the
        same, degrees.
    pointing_sigma : float
        Error of the pointing on either axis, from session to session, degrees.
    significance : float
        Probability that anything at all is called a change on a sky without one.

    Returns
    -------
    QTable
        One row a track, by azimuth: ``azimuth`` and ``elevation`` (weighted mean);
        ``change``, one of steady, moved, appeared, disappeared and intermittent; ``p_value``
        of the stronger of the two tests, two-sided, and ``p_corrected`` for all trials;
        ``found`` and ``looked``, numbers of sessions; ``occupancy``, their ratio, with its
        95 % interval ``occupancy_low`` and ``occupancy_high`` [2]_; ``first`` and ``last``
        session with the source, from 0; ``displacement`` between these two and
        ``displacement_error``, degrees; ``p_moved`` and ``p_presence``, not corrected.
        ``meta`` has ``trials`` and ``significance``.

    Raises
    ------
    InvalidInput
        For less than two sessions, and tables without the columns.

    Examples
    --------
    >>> def seen(*azimuths):
    ...     n = len(azimuths)
    ...     return QTable({"azimuth": azimuths * u.deg, "elevation": [30.0] * n * u.deg,
    ...         "covariance": [np.eye(2) * 1e-4] * n * u.deg**2, "snr": [40.0] * n},
    ...         meta={"threshold": 5.0})
    >>> table = occupancy([seen(120, 150), seen(120, 150.5), seen(120, 151)])
    >>> [str(change) for change in table["change"]]
    ['steady', 'moved']
    """
    for name, value in (("reach", reach), ("significance", significance)):
        if not (np.isfinite(value) and value > 0.0):
            raise InvalidInput(name, value, "finite and greater than 0")
    if len(sessions) < 2:
        raise InvalidInput("sessions", len(sessions), "at least 2")
    read = _read(sessions, pointing_sigma)
    tracks = _follow(read, reach)
    return _table([_judge(track, read) for track in tracks], significance)


def _read(sessions: Sequence[QTable], pointing_sigma: float) -> list[_Session]:
    for number, table in enumerate(sessions):
        missing = {"azimuth", "elevation", "snr"} - set(table.colnames)
        if missing:
            raise InvalidInput(f"session {number}", sorted(missing), "a table with these columns")
    faintest = min(
        (float(np.min(table["snr"])) for table in sessions if len(table)), default=np.inf
    )
    return [
        _Session(
            table["azimuth"].to_value(u.deg),
            table["elevation"].to_value(u.deg),
            direction_covariance(table, pointing_sigma),
            np.asarray(table["snr"], dtype=float),
            float(table.meta.get("threshold", faintest)),
            table.meta.get("region"),
        )
        for table in sessions
    ]


def _follow(sessions: list[_Session], reach: float) -> list[_Track]:
    """Join sources to tracks: first what is where it was, then what is near."""
    tracks: list[_Track] = []
    for number, session in enumerate(sessions):
        free = np.ones(len(session.azimuth), dtype=bool)
        for still in (True, False):
            open_ = [track for track in tracks if number not in track.rows]
            rows = np.flatnonzero(free)
            if not open_ or not rows.size:
                break
            cost = _costs(open_, sessions, number, rows, reach, still=still)
            # One that may not be is dearer than all that may together.
            never = 2.0 * np.sum(cost[np.isfinite(cost)]) + 1.0
            pairs = linear_sum_assignment(np.where(np.isfinite(cost), cost, never))
            for mine, its in zip(*pairs, strict=True):
                if np.isfinite(cost[mine, its]):
                    open_[mine].rows[number] = int(rows[its])
                    free[rows[its]] = False
        tracks += [_Track({number: int(row)}) for row in np.flatnonzero(free)]
    return tracks


def _costs(
    tracks: list[_Track],
    sessions: list[_Session],
    number: int,
    rows: NDArray[np.intp],
    reach: float,
    *,
    still: bool,
) -> NDArray[np.float64]:
    """χ² of each source against where each track was last, or its distance in reaches.

    Infinite for pairs that may not be; shape (tracks, rows).
    """
    last = [max(track.rows) for track in tracks]
    mine = [track.rows[before] for track, before in zip(tracks, last, strict=True)]
    places = list(zip(last, mine, strict=True))
    azimuth = np.array([sessions[before].azimuth[row] for before, row in places])[:, None]
    elevation = np.array([sessions[before].elevation[row] for before, row in places])[:, None]
    now = sessions[number]
    if not still:
        apart = separation(azimuth, elevation, now.azimuth[rows], now.elevation[rows])
        allowed = reach * (number - np.array(last))[:, None]
        return np.where(apart <= allowed, apart / reach, np.inf)
    offset = np.stack(
        to_plane(now.azimuth[rows], now.elevation[rows], azimuth, elevation, projection="arc"),
        axis=-1,
    )
    before = np.array([sessions[number].covariance[row] for number, row in places])
    weight = np.linalg.inv(before[:, None] + now.covariance[rows])
    squared = np.einsum("ijk,ijkl,ijl->ij", offset, weight, offset)
    return np.where(squared < chi2.isf(_GATE, 2), squared, np.inf)


def _judge(track: _Track, sessions: list[_Session]) -> _Verdict:
    numbers = sorted(track.rows)
    rows = [track.rows[number] for number in numbers]
    chosen = [sessions[number] for number in numbers]
    azimuth = np.array([s.azimuth[row] for s, row in zip(chosen, rows, strict=True)])
    elevation = np.array([s.elevation[row] for s, row in zip(chosen, rows, strict=True)])
    covariance = np.array([s.covariance[row] for s, row in zip(chosen, rows, strict=True)])
    snr = np.array([s.snr[row] for s, row in zip(chosen, rows, strict=True)])
    mean, p_moved = _standing_still(azimuth, elevation, covariance)
    looked = [n for n, s in enumerate(sessions) if n in track.rows or s.covers(*mean)]
    missed = [n for n in looked if n not in track.rows]
    p_presence = _always_on(snr, np.array([sessions[n].threshold for n in missed]))
    low, high = _wilson(len(numbers), len(looked))
    shift = np.array(to_plane(azimuth[-1], elevation[-1], azimuth[0], elevation[0], "arc"))
    length = float(np.hypot(*shift))
    along = shift / length if length > 0.0 else np.array([1.0, 0.0])
    variance = float(along @ (covariance[0] + covariance[-1]) @ along)
    return _Verdict(
        azimuth=mean[0],
        elevation=mean[1],
        p_moved=p_moved,
        p_presence=p_presence,
        trials=(len(numbers) > 1) + (len(missed) > 0),
        pattern=_pattern(numbers, missed),
        found=len(numbers),
        looked=len(looked),
        occupancy_low=low,
        occupancy_high=high,
        first=numbers[0],
        last=numbers[-1],
        displacement=length,
        displacement_error=float(np.sqrt(variance)) if len(numbers) > 1 else np.nan,
    )


def _standing_still(
    azimuth: NDArray[np.float64], elevation: NDArray[np.float64], covariance: NDArray[np.float64]
) -> tuple[tuple[float, float], float]:
    """Weighted mean of directions, and how probable their scatter is where they are one."""
    middle = direction(unit_vector(azimuth, elevation).mean(axis=0))
    offset = np.stack(to_plane(azimuth, elevation, *middle, projection="arc"), axis=-1)
    weight = np.linalg.inv(covariance)
    mean = np.linalg.solve(weight.sum(axis=0), np.einsum("ijk,ik->j", weight, offset))
    rest = offset - mean
    squared = float(np.einsum("ij,ijk,ik->", rest, weight, rest))
    freedom = 2 * (len(azimuth) - 1)
    where = from_plane(mean[0], mean[1], *middle, projection="arc")
    p_value = float(chi2.sf(squared, freedom)) if freedom else 1.0
    return (float(where[0]), float(where[1])), p_value


def _always_on(snr: NDArray[np.float64], thresholds: NDArray[np.float64]) -> float:
    """Two-sided probability that a steady source is missed as it was, at best once.

    A reading of a source of mean S in its own noise is normal about S with a standard
    deviation of 1; the mean is known from k readings, to 1/√k. The session that speaks most
    against a steady source counts, times the number of sessions that had none.
    """
    if not thresholds.size:
        return 1.0
    spread = np.sqrt(1.0 + 1.0 / len(snr))
    one_sided = norm.cdf((thresholds - snr.mean()) / spread)
    return float(min(1.0, 2.0 * thresholds.size * one_sided.min()))


def _pattern(found: list[int], missed: list[int]) -> str:
    """What the gaps of a track would be called, if they are more than chance."""
    if not missed:
        return STEADY
    if max(missed) < min(found):
        return APPEARED
    if min(missed) > max(found):
        return DISAPPEARED
    return INTERMITTENT


def _wilson(found: int, looked: int) -> tuple[float, float]:
    z = float(norm.isf(0.025))
    share = found / looked
    middle = (share + z**2 / (2 * looked)) / (1 + z**2 / looked)
    half = z / (1 + z**2 / looked) * np.sqrt(share * (1 - share) / looked + (z / 2 / looked) ** 2)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _table(verdicts: list[_Verdict], significance: float) -> QTable:
    def column(name: str) -> NDArray[np.generic]:
        return np.array([getattr(verdict, name) for verdict in verdicts])

    trials = sum(verdict.trials for verdict in verdicts)
    p_moved, p_presence = column("p_moved").astype(float), column("p_presence").astype(float)
    p_value = np.minimum(p_moved, p_presence)
    # 1 − (1 − p)ⁿ, without losing small ones.
    corrected = -np.expm1(trials * np.log1p(-np.minimum(p_value, 1.0 - 1e-16)))
    story = np.where(p_moved <= p_presence, MOVED, column("pattern").astype(str))
    table = QTable(
        {
            "azimuth": column("azimuth").astype(float) * u.deg,
            "elevation": column("elevation").astype(float) * u.deg,
            "change": np.where(corrected > significance, STEADY, story),
            "p_value": p_value,
            "p_corrected": corrected,
            "found": column("found").astype(int),
            "looked": column("looked").astype(int),
            "occupancy": column("occupancy").astype(float),
            "occupancy_low": column("occupancy_low").astype(float),
            "occupancy_high": column("occupancy_high").astype(float),
            "first": column("first").astype(int),
            "last": column("last").astype(int),
            "displacement": column("displacement").astype(float) * u.deg,
            "displacement_error": column("displacement_error").astype(float) * u.deg,
            "p_moved": p_moved,
            "p_presence": p_presence,
        },
        meta={"trials": trials, "significance": significance},
    )
    table.sort("azimuth")
    return table
