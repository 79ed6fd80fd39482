# /// script
# requires-python = ">=3.11"
# dependencies = ["pycraf==2.1.0"]
# ///
"""Make itu_patterns_pycraf.csv, which tests/antenna/test_itu.py holds our patterns against.

pycraf is the ITU-R's patterns as radio astronomers use them. It is no dependency of the tests: it
brings some thirty packages, pytest plugins among them that change how every test runs. So its
values are kept, and this script, which makes them, carries its own dependencies (PEP 723):

    uv run data/antenna/itu_patterns_pycraf.py
"""

import csv
from pathlib import Path

import numpy as np
from astropy import units as u
from pycraf import antenna

SPEED_OF_LIGHT = 299_792_458.0
DISHES = {
    "F.699": [
        (3.0, 10.7e9),
        (20.0, 8.4e9),
        (1.0, 10.7e9),
        (0.3, 5.0e9),
        (2.0, 4.0e8),
        (9.0, 9.0e8),
    ],
    "RA.1631": [(100.0, 1.42e9), (25.0, 22.0e9), (70.0, 6.0e8)],
    "RA.1631 Bessel": [(100.0, 1.42e9), (25.0, 22.0e9), (70.0, 6.0e8)],
}


def gain_dbi(name, angle, diameter, wavelength):
    """Gain by pycraf, dBi, with the peak gain that the recommendation gives."""
    where = angle * u.deg, diameter * u.m, wavelength * u.m
    if name == "F.699":
        peak = antenna.fl_G_max_from_size(*where[1:])
        return antenna.fl_pattern(*where, peak).value
    return antenna.ras_pattern(*where, do_bessel=name.endswith("Bessel")).value


rng = np.random.default_rng(1631)
with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["pattern", "diameter_m", "frequency_hz", "angle_deg", "gain_dbi"])
    for name, dishes in DISHES.items():
        for diameter, frequency in dishes:
            wavelength = SPEED_OF_LIGHT / frequency
            # As many angles on the main lobe and its neighbours as far from it.
            scale = np.degrees(wavelength / diameter)
            angles = np.concatenate(
                [rng.uniform(0.01, 3.0, 20) * min(scale, 50.0), rng.uniform(1.0, 180.0, 25)]
            ).round(6)
            for angle, gain in zip(
                angles, gain_dbi(name, angles, diameter, wavelength), strict=True
            ):
                if np.isfinite(gain):  # where the field of a ring is negative, pycraf has none
                    rows.writerow([name, diameter, frequency, angle, f"{gain:.9f}"])
