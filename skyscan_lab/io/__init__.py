"""Files: sessions read from every known format, and written for other programs."""

from skyscan_lab.io.api_json import write_json
from skyscan_lab.io.csv import write_csv
from skyscan_lab.io.fits import FitsExport, write_fits
from skyscan_lab.io.formats import FORMATS, format_of, load_session, save_session
from skyscan_lab.io.healpix import write_healpix
from skyscan_lab.io.netcdf import write_netcdf

__all__ = [
    "FORMATS",
    "FitsExport",
    "format_of",
    "load_session",
    "save_session",
    "write_csv",
    "write_fits",
    "write_healpix",
    "write_json",
    "write_netcdf",
]
