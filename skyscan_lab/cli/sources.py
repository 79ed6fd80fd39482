"""The table of sources as a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from astropy.table import QTable

from skyscan_lab.atomic import write_atomically


def write_sources(sources: QTable, path: str | Path) -> Path:
    """Write sources as CSV, strongest first.

    Parameters
    ----------
    sources : QTable
        As `skyscan_lab.interference.local_maxima` returns it, with or without the columns of
        `skyscan_lab.interference.nearest_in_catalog`.
    path : str or Path
        The file.

    Returns
    -------
    Path
        The same.
    """
    named = "nearest" in sources.colnames
    units = sources.meta["units"]
    heading = ["azimuth_deg", "elevation_deg", f"power_{units}", f"prominence_{units}", "snr"]
    heading += ["at_edge", *(("nearest", "separation_deg") if named else ())]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heading)
    for source in sources:
        row = [f"{source[name].value:.4f}" for name in ("azimuth", "elevation")]
        row += [f"{source[name]:.6g}" for name in ("power", "prominence")]
        row += [f"{source['snr']:.1f}", str(bool(source["at_edge"])).lower()]
        if named:
            row += [str(source["nearest"]), f"{source['separation'].value:.4f}"]
        table.writerow(row)
    return write_atomically(path, text.getvalue().encode())
