"""Draw the figure of the antenna reference: ``python docs/images/antenna_families.py``.

Every family at about the same width, in a cut through its peak.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from skyscan_lab.antenna import (
    AiryPattern,
    AperturePattern,
    CosinePattern,
    CutsPattern,
    F699Pattern,
    F1245Pattern,
    GaussianPattern,
    HarmonicPattern,
    RA1631Pattern,
    S465Pattern,
    S580Pattern,
    SincPattern,
    TablePattern,
)

HPBW_DEG = 2.0
DISH = {"diameter_m": 0.9, "frequency_hz": 11.7e9}  # 35 wavelengths


def decibels(gain):
    """Gain in dB, with a floor under the nulls."""
    return 10.0 * np.log10(np.maximum(gain, 1e-9))


blocked = AiryPattern(HPBW_DEG, blockage=0.25)
lattice = np.arange(-15.0, 15.1, 0.5)
degrees = np.arange(0.0, 360.0, 0.5)
sides = (degrees + 180.0) % 360.0 - 180.0
cut = decibels(blocked.gain(sides, 0.0) + 1e-5)
panels = {
    "Apertures": {
        "Gaussian": GaussianPattern(HPBW_DEG),
        "Airy": AiryPattern(HPBW_DEG),
        "Airy, β = 0.25": blocked,
        "sinc²": SincPattern(HPBW_DEG),
        "cosᵠ": CosinePattern(HPBW_DEG),
    },
    "An aperture with errors": {
        "uniform": AperturePattern(30.0),
        "taper": AperturePattern(30.0, {(2, 0): -0.6}),
        "coma": AperturePattern(30.0, {(2, 0): -0.4, (3, 1): 0.3j}),
        "astigmatism": AperturePattern(30.0, {(2, 0): -0.4, (2, 2): 0.5j}),
        "defocus": AperturePattern(30.0, {(2, 0): -0.4 + 0.6j}),
    },
    "Reference patterns of the ITU-R": {
        "F.699": F699Pattern(**DISH),
        "F.1245": F1245Pattern(**DISH),
        "S.465": S465Pattern(**DISH),
        "S.580, D/λ = 60": S580Pattern(1.54, 11.7e9),
        "RA.1631, D/λ = 105": RA1631Pattern(2.7, 11.7e9, bessel=True),
    },
    "Measured, and what is left": {
        "Airy, β = 0.25": blocked,
        "a table of it, 0.5° apart": TablePattern(
            lattice, lattice, decibels(blocked.gain(lattice, lattice[:, np.newaxis]))
        ),
        "two cuts of it": CutsPattern(degrees, cut, cut),
        "harmonics on it": HarmonicPattern(
            blocked, {(0, 0): 3e-3, (1, 1): 2e-3, (6, 3): 1e-3, (30, 12): 1e-3}
        ),
    },
}

figure = Figure(figsize=(10.0, 7.6), dpi=90, layout="constrained")
axes = figure.subplots(2, 2, sharey=True)
angle = np.linspace(-14.0, 14.0, 4001)
for ax, (title, patterns) in zip(axes.flat, panels.items(), strict=True):
    for place, (label, pattern) in enumerate(patterns.items()):
        ax.plot(
            angle,
            decibels(pattern.gain(angle, 0.0)),
            label=label,
            linewidth=1.3,
            linestyle=("-", "-", "-", "--", ":")[place],
        )
    ax.set(title=title, ylim=(-50.0, 1.0), xlim=(angle[0], angle[-1]))
    ax.grid(alpha=0.3)
    ax.legend(fontsize="small", loc="upper right")
for ax in axes[1]:
    ax.set_xlabel("offset in cross-elevation (°)")
for ax in axes[:, 0]:
    ax.set_ylabel("gain relative to the peak (dB)")
figure.savefig(Path(__file__).with_suffix(".png"), metadata={"Software": None})
