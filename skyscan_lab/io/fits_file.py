"""FITS files as bytes whose checksums hold."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from skyscan_lab.errors import FileError
from skyscan_lab.io.textfile import read_bytes

SIGNATURE = b"SIMPLE  ="

# What astropy raises when a file does not hold what it announces.
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    AstropyWarning,
    fits.VerifyError,
)


def to_bytes(hdus: fits.HDUList) -> bytes:
    """A file with a checksum in each unit; the same units make the same bytes."""
    for hdu in hdus:
        # astropy's own comment is the time of writing.
        hdu.add_checksum(when="of this unit")
    data = io.BytesIO()
    hdus.writeto(data)
    return data.getvalue()


@contextmanager
def open_fits(path: str | Path) -> Iterator[fits.HDUList]:
    """Open a FITS file whose checksums hold; whatever is wrong in it becomes a FileError."""
    path = Path(path)
    data = read_bytes(path)
    try:
        with warnings.catch_warnings():
            # A checksum that fails is only a warning to astropy, and an error to us.
            warnings.simplefilter("error", AstropyWarning)
            with fits.open(io.BytesIO(data), checksum=True, lazy_load_hdus=False) as hdus:
                yield hdus
    except FileError:
        raise
    except _DAMAGE as error:
        raise FileError(path, f"damaged, or not FITS: {error}") from error
