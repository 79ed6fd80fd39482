"""``skyscan map``: a recording in; NetCDF, FITS, a picture and a table of sources out."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import xarray as xr
from astropy.table import QTable
from rich.table import Table

from skyscan_lab.catalogs.table import read_catalog
from skyscan_lab.cli.console import output
from skyscan_lab.cli.options import EXISTING_FILE, recording_options
from skyscan_lab.cli.sources import write_sources
from skyscan_lab.interference import local_maxima, nearest_in_catalog
from skyscan_lab.io import load_session, write_fits, write_netcdf
from skyscan_lab.plotting import plot_map
from skyscan_lab.session import is_gridded, units_of
from skyscan_lab.session.channels import band_average

_LISTED = 10


@click.command("map")
@click.argument("file", type=EXISTING_FILE)
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the results; made where it is missing.",
)
@click.option(
    "--satellites",
    type=EXISTING_FILE,
    metavar="CSV",
    help="Known objects, name,azimuth,elevation a line: drawn, and matched with the sources.",
)
@click.option(
    "--threshold",
    "threshold_sigma",
    type=click.FloatRange(min=0.0),
    default=5.0,
    show_default=True,
    metavar="SIGMA",
    help="Height and prominence a local maximum needs to be a source, in units of the noise.",
)
@recording_options
def map_command(
    file: Path,
    folder: Path,
    satellites: Path | None,
    threshold_sigma: float,
    settings: Path | None,
    pointing: Path | None,
    site: tuple[float, float] | None,
) -> None:
    """Turn a recording into a map.

    FILE is a recording in any known format, recognised by its content. Writes session.nc,
    map.fits, map.png and sources.csv into the folder, and prints what they show. Sources are
    local maxima, sidelobes among them; nearest is not identified.
    """
    ds = load_session(file, settings=settings, pointing=pointing, location=site)
    catalog = read_catalog(satellites) if satellites else None
    level = band_average(ds)
    sources = local_maxima(level, threshold_sigma)
    if catalog is not None:
        sources = nearest_in_catalog(sources, catalog)

    folder.mkdir(parents=True, exist_ok=True)
    write_netcdf(ds, folder / "session.nc")
    fits = write_fits(level, folder / "map.fits")
    plot_map(level, satellites=catalog, sources=sources).savefig(folder / "map.png")
    write_sources(sources, folder / "sources.csv")
    _print_summary(ds, level, sources)
    console = output()
    for name in ("session.nc", "map.fits", "map.png", "sources.csv"):
        note = f"  (no RA and declination: {fits.reason})" if name == "map.fits" else ""
        console.print(f"  wrote     {folder / name}{note if fits.reason else ''}", markup=False)


def _print_summary(ds: xr.Dataset, level: xr.Dataset, sources: QTable) -> None:
    console = output()
    units = units_of(ds)
    measured = int((ds["sequence"] >= 0).sum())
    console.print(f"[bold]{ds.attrs.get('title', 'Sky scan')}[/bold]")
    console.print(f"  points    {measured}, {_extent(ds)}")
    if measured < ds["sequence"].size:
        console.print(
            f"  missing   {ds['sequence'].size - measured} of {ds['sequence'].size} cells"
        )
    readings = level["rssi"].values[np.isfinite(level["rssi"].values)]
    if readings.size:
        console.print(
            f"  strength  {readings.min():g} to {readings.max():g} {units}, "
            f"background {sources.meta['background']:g}, noise {sources.meta['noise']:.2g}"
        )
    if "frequency" in ds.dims:
        low, high = ds["frequency"].values.min() / 1e6, ds["frequency"].values.max() / 1e6
        console.print(f"  channels  {ds.sizes['frequency']}, {low:g} to {high:g} MHz, averaged")
    console.print(_source_table(sources, units) if len(sources) else "  no source stands out")
    if len(sources) > _LISTED:
        console.print(f"  and {len(sources) - _LISTED} more in sources.csv")


def _extent(ds: xr.Dataset) -> str:
    if not is_gridded(ds):
        return "free-form: on no grid"
    azimuth, elevation = ds["azimuth"].values, ds["elevation"].values
    text = f"{azimuth.size} azimuths × {elevation.size} elevations"
    text += f", az {azimuth[0]:g}° to {azimuth[-1] % 360:g}°"
    text += f", el {elevation[0]:g}° to {elevation[-1]:g}°"
    steps = {f"{np.median(np.diff(axis)):g}°" for axis in (azimuth, elevation) if axis.size > 1}
    return text + (f", step {' × '.join(sorted(steps))}" if steps else "")


def _source_table(sources: QTable, units: str) -> Table:
    named = "nearest" in sources.colnames
    table = Table(box=None, padding=(0, 1, 0, 1), header_style="bold")
    for heading in ("#", "azimuth", "elevation", units, "snr"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("nearest listed" if named else "", no_wrap=True)
    for number, source in enumerate(sources[:_LISTED], 1):
        note = f"{source['nearest']}, {source['separation'].value:.2f}° away" if named else ""
        if source["at_edge"]:
            note += ("; " if note else "") + "at the edge"
        table.add_row(
            str(number),
            f"{source['azimuth'].value:.2f}°",
            f"{source['elevation'].value:.2f}°",
            f"{source['power']:g}",
            f"{source['snr']:.0f}",
            note,
        )
    return table
