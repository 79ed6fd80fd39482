"""Draw the map in the README: ``python docs/images/winegard_g2_map.py``.

The recording is by Christopher Davidson (MIT License, 2024); see skyscan_lab.datasets.
"""

from pathlib import Path

from skyscan_lab.catalogs.table import read_catalog
from skyscan_lab.datasets import fetch
from skyscan_lab.interference import local_maxima
from skyscan_lab.io import load_session
from skyscan_lab.plotting import plot_map

files = fetch("winegard-g2")
ds = load_session(files["scan_data.txt"])
figure = plot_map(
    ds,
    satellites=read_catalog(files["satellites.csv"]),
    sources=local_maxima(ds),
    title="Geostationary satellites, Ku band, through a Winegard Carryout G2",
)
figure.savefig(Path(__file__).with_suffix(".png"))
