"""How the Earth is turned, from what astropy brings along: nothing is ever downloaded.

Left alone, astropy fetches a newer table of the Earth's orientation when its own is a month
old, in the middle of a transformation, and fails where there is no network. Past the end of
its own table, directions among the stars lose up to some arcseconds, far below any beam; that
is why its warnings about it are not passed on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from astropy.utils import iers
from astropy.utils.exceptions import AstropyWarning


@contextmanager
def bundled_earth_orientation() -> Iterator[None]:
    """Within it, astropy's transformations use the tables that it brings along.

    Examples
    --------
    >>> with bundled_earth_orientation():
    ...     iers.conf.auto_download
    False
    """
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.filterwarnings("ignore", message=".*dubious year.*")  # ERFA's, beyond its tables
        yield
