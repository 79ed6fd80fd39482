"""Truth: skies whose changes are known, and the rate of false ones on skies without any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from skyscan_lab.errors import InvalidInput
from skyscan_lab.occupancy import occupancy

SIGMA = 0.05


def session(
    rng: np.random.Generator,
    sources: list[tuple[float, float, float]],
    threshold: float = 5.0,
    **meta: object,
) -> QTable:
    """What a scan finds of sources (azimuth, elevation, signal-to-noise ratio)."""
    found = []
    for azimuth, elevation, strength in sources:
        snr = strength + rng.normal()
        x, y = rng.normal(0.0, SIGMA, 2)
        if snr > threshold:
            found.append((azimuth + x / np.cos(np.radians(elevation)), elevation + y, snr))
    azimuth, elevation, snr = np.array(found).reshape(-1, 3).T
    return QTable(
        {
            "azimuth": azimuth * u.deg,
            "elevation": elevation * u.deg,
            "covariance": np.tile(SIGMA**2 * np.eye(2), (len(found), 1, 1)) * u.deg**2,
            "snr": snr,
        },
        meta={"threshold": threshold, **meta},
    )


def changes(table: QTable) -> dict[float, str]:
    """By azimuth, to a degree."""
    return {
        float(np.rint(row["azimuth"].value)): str(row["change"])
        for row in table
        if row["change"] != "steady"
    }


STEADY = [(100.0 + 10 * k, 20.0 + 3 * k, 60.0) for k in range(10)]


def test_each_kind_of_change_is_named() -> None:
    rng = np.random.default_rng(1)
    sessions = []
    for number in range(8):
        sources = list(STEADY)
        sources.append((20.0 + 0.3 * number, 40.0, 50.0))
        sources += [(30.0, 40.0, 30.0)] * (number >= 3)
        sources += [(40.0, 40.0, 30.0)] * (number < 6)
        sources += [(50.0, 40.0, 30.0)] * (number % 2)
        sessions.append(session(rng, sources))
    table = occupancy(sessions)
    assert changes(table) == {
        21.0: "moved",
        30.0: "appeared",
        40.0: "disappeared",
        50.0: "intermittent",
    }
    rows = {int(np.rint(row["azimuth"].value)): row for row in table}
    assert (rows[30]["first"], rows[30]["found"], rows[30]["looked"]) == (3, 5, 8)
    assert rows[50]["occupancy"] == 0.5
    # Wilson's interval for 4 of 8, as it is tabulated.
    assert rows[50]["occupancy_low"] == pytest.approx(0.215, abs=0.001)
    assert rows[50]["occupancy_high"] == pytest.approx(0.785, abs=0.001)
    moved = rows[21]
    expected = 2.1 * np.cos(np.radians(40.0))
    assert abs(moved["displacement"].value - expected) < 4 * moved["displacement_error"].value
    # Fourteen tracks: each tested for its place, and those with gaps for their presence.
    assert table.meta["trials"] == 14 + 3


@pytest.mark.parametrize("strength", [30.0, 6.0])
def test_false_changes_are_as_rare_as_was_asked_for(strength: float) -> None:
    """Bright sources are never missed: the rate is exact. Faint ones come and go by chance."""
    rng = np.random.default_rng(2)
    asked, skies = 0.2, 150
    steady = [(azimuth, elevation, strength) for azimuth, elevation, _ in STEADY]
    alarms = sum(
        bool(changes(occupancy([session(rng, steady) for _ in range(4)], significance=asked)))
        for _ in range(skies)
    )
    spread = np.sqrt(skies * asked * (1.0 - asked))
    assert alarms < skies * asked + 3.0 * spread
    if strength == 30.0:
        assert alarms > skies * asked - 3.0 * spread


def test_p_values_of_standing_still_are_uniform() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate(
        [occupancy([session(rng, STEADY) for _ in range(3)])["p_moved"] for _ in range(60)]
    )
    inside, _ = np.histogram(values, bins=10, range=(0.0, 1.0))
    assert abs(inside - 60).max() < 4.0 * np.sqrt(60 * 0.9)


def test_a_faint_source_that_is_missed_once_has_not_disappeared() -> None:
    rng = np.random.default_rng(4)
    table = occupancy(
        [session(rng, [(10.0, 20.0, 7.0)]), session(rng, [(10.0, 20.0, 7.0)]), session(rng, [])]
    )
    assert changes(table) == {}
    assert table["p_presence"][0] > 0.05


def test_what_was_not_looked_at_has_not_disappeared() -> None:
    rng = np.random.default_rng(5)
    source = [(350.0, 20.0, 60.0)]
    elsewhere = session(rng, [], region=((20.0, 180.0), (10.0, 60.0)))
    there = session(rng, [], region=((340.0, 370.0), (10.0, 60.0)))
    seen = [session(rng, source) for _ in range(2)]
    unseen = occupancy([*seen, elsewhere])
    assert (unseen["looked"][0], unseen["change"][0]) == (2, "steady")
    gone = occupancy([*seen, there])
    assert (gone["looked"][0], gone["change"][0]) == (3, "disappeared")


def test_a_track_follows_over_north_and_near_the_zenith() -> None:
    rng = np.random.default_rng(6)
    sessions = [
        session(rng, [(359.0 + number, 30.0, 50.0), (10.0, 89.5, 50.0)]) for number in range(3)
    ]
    table = occupancy(sessions, reach=1.5)
    assert len(table) == 2
    assert sorted(table["found"].tolist()) == [3, 3]
    assert changes(table) == {0.0: "moved"}


def test_near_neighbours_keep_their_own_tracks() -> None:
    rng = np.random.default_rng(7)
    pair = [(100.0, 20.0, 50.0), (100.6, 20.0, 50.0)]
    table = occupancy([session(rng, pair) for _ in range(6)])
    assert table["found"].tolist() == [6, 6]
    assert changes(table) == {}


def test_an_uncertain_mount_hides_what_it_could_have_done() -> None:
    rng = np.random.default_rng(8)
    sessions = [session(rng, [(100.0 + 0.5 * number, 20.0, 50.0)]) for number in range(3)]
    assert list(changes(occupancy(sessions)).values()) == ["moved"]
    assert changes(occupancy(sessions, pointing_sigma=2.0)) == {}


def test_nothing_at_all_is_no_track(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    table = occupancy([session(rng, []), session(rng, [])])
    assert len(table) == 0
    assert table.meta["trials"] == 0
    full = occupancy([session(rng, STEADY), session(rng, STEADY)])
    full.write(tmp_path / "tracks.ecsv")
    assert QTable.read(tmp_path / "tracks.ecsv")["change"][0] == "steady"


@pytest.mark.parametrize(
    ("options", "why"),
    [({"reach": 0.0}, "reach"), ({"significance": np.nan}, "significance")],
)
def test_figures_out_of_range_are_refused(options: dict[str, float], why: str) -> None:
    rng = np.random.default_rng(10)
    with pytest.raises(InvalidInput, match=why):
        occupancy([session(rng, STEADY)] * 2, **options)


def test_one_session_is_no_series() -> None:
    rng = np.random.default_rng(11)
    with pytest.raises(InvalidInput, match="sessions = 1"):
        occupancy([session(rng, STEADY)])
    table = session(rng, STEADY)
    del table["snr"]
    with pytest.raises(InvalidInput, match=r"session 1 = \['snr'\]"):
        occupancy([session(rng, STEADY), table])
