"""Skies with listed and unlisted sources, made with astropy's geometry and not ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from numpy.typing import NDArray

REGION = ((100.0, 240.0), (15.0, 65.0))


@dataclass(frozen=True)
class Sky:
    """What was found and what is listed; ``truth`` is the row of the list, -1 for none."""

    sources: QTable
    catalog: QTable
    truth: NDArray[np.intp]


def random_directions(rng: np.random.Generator, count: int) -> SkyCoord:
    """Evenly over the region's solid angle."""
    (west, east), limits = REGION
    low, high = np.sin(np.radians(limits))
    return SkyCoord(
        rng.uniform(west, east, count) * u.deg,
        np.degrees(np.arcsin(rng.uniform(low, high, count))) * u.deg,
    )


def random_covariances(rng: np.random.Generator, count: int, scale: float) -> NDArray[np.float64]:
    """Ellipses of any position angle, axes within a factor of 3 of each other."""
    angle = rng.uniform(0.0, np.pi, count)
    major = scale * np.exp(rng.normal(0.0, 0.4, count))
    minor = major / rng.uniform(1.0, 3.0, count)
    turn = np.moveaxis(
        np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), -1, 0
    )
    return turn * np.stack([major, minor], axis=-1)[:, None, :] ** 2 @ np.swapaxes(turn, 1, 2)


def random_sky(
    rng: np.random.Generator, listed: int, seen: float, unlisted: float, scale: float
) -> Sky:
    """Each listed object is seen or not; unlisted sources are a Poisson process."""
    catalog = random_directions(rng, listed)
    truth = np.concatenate(
        [np.flatnonzero(rng.random(listed) < seen), np.full(rng.poisson(unlisted), -1)]
    )
    truth = rng.permutation(truth)
    true = random_directions(rng, len(truth))
    of_list = truth >= 0
    azimuth, elevation = true.ra.deg.copy(), true.dec.deg.copy()
    azimuth[of_list] = catalog.ra.deg[truth[of_list]]
    elevation[of_list] = catalog.dec.deg[truth[of_list]]
    covariance = random_covariances(rng, len(truth), scale)
    error = np.array([rng.multivariate_normal([0.0, 0.0], one) for one in covariance]).reshape(
        -1, 2
    )
    measured = SkyCoord(azimuth * u.deg, elevation * u.deg).spherical_offsets_by(
        error[:, 0] * u.deg, error[:, 1] * u.deg
    )
    return Sky(
        QTable(
            {
                "azimuth": measured.ra,
                "elevation": u.Quantity(measured.dec),
                "covariance": covariance * u.deg**2,
            },
            meta={"region": REGION},
        ),
        QTable(
            {
                "name": [f"{row}" for row in range(listed)],
                "azimuth": u.Quantity(catalog.ra),
                "elevation": u.Quantity(catalog.dec),
            }
        ),
        truth,
    )
