"""Truth: astropy-healpix, and maps whose value is known everywhere."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy_healpix import HEALPix

from skyscan_lab.errors import ExportRefused, FileError, InvalidInput
from skyscan_lab.io.healpix import read_healpix, write_healpix
from skyscan_lab.session import location_of, session_from_points, validate
from skyscan_lab.sphere import separation


def slope(azimuths, elevations, units="dBFS"):
    """A session whose value is its elevation."""
    elevation, azimuth = (axis.ravel() for axis in np.meshgrid(elevations, azimuths, indexing="ij"))
    return session_from_points(
        azimuth, elevation, elevation, units=units, location=(47.0, 8.0), attrs={"rotor": "r"}
    )


@pytest.mark.parametrize("ordering", ["nested", "ring"])
def test_every_pixel_holds_the_value_of_its_direction(ordering, tmp_path):
    path = write_healpix(
        slope(np.arange(0.0, 360.0, 4.0), np.arange(10.0, 71.0, 4.0)),
        tmp_path / "a.fits",
        ordering=ordering,
    )
    with fits.open(path) as hdus:
        header, table = hdus[1].header, hdus[1].data
        grid = HEALPix(header["NSIDE"], order=ordering)
        _, elevation = grid.healpix_to_lonlat(table["PIXEL"])
        np.testing.assert_allclose(table["RSSI"], elevation.to_value(u.deg), atol=1e-9)
    # All of the band is there, and nothing else: its share of the sphere, in pixels.
    share = (np.sin(np.radians(70.0)) - np.sin(np.radians(10.0))) / 2.0
    assert len(table) == pytest.approx(share * grid.npix, rel=0.02)
    assert grid.pixel_resolution.to_value(u.deg) <= 4.0


def test_the_header_says_what_the_frame_is(tmp_path):
    header = fits.getheader(write_healpix(slope([10, 11], [20, 21]), tmp_path / "a.fits"), 1)
    assert header["PIXTYPE"] == "HEALPIX"
    assert header["INDXSCHM"] == "EXPLICIT"
    assert header["COORDSYS"] == "HORIZONTAL"
    assert "no celestial" in " ".join(header["COMMENT"])


def test_a_map_reads_back_as_samples(tmp_path):
    ds = slope(np.arange(340.0, 381.0, 5.0), np.arange(20.0, 61.0, 5.0))
    back = validate(read_healpix(write_healpix(ds, tmp_path / "a.fits")))
    assert back["rssi"].dims == ("sample",)
    assert back["rssi"].attrs["units"] == "dBFS"
    assert location_of(back) == location_of(ds)
    assert back.attrs["rotor"] == "r"
    np.testing.assert_allclose(back["rssi"], back["elevation_measured"], atol=1e-9)
    again = read_healpix(write_healpix(back, tmp_path / "b.fits", nside=16))
    np.testing.assert_allclose(again["rssi"], again["elevation_measured"], atol=0.5)


def test_no_pixel_lies_away_from_the_samples_of_a_free_form_session(samples, tmp_path):
    back = read_healpix(write_healpix(samples, tmp_path / "a.fits"))
    distance = separation(
        back["azimuth_measured"].values[:, np.newaxis],
        back["elevation_measured"].values[:, np.newaxis],
        samples["azimuth_measured"].values,
        samples["elevation_measured"].values,
    )
    assert distance.min(axis=1).max() < 8.0


@pytest.mark.parametrize(
    ("options", "field"),
    [({"nside": 3}, "nside"), ({"nside": 0}, "nside"), ({"ordering": "unique"}, "ordering")],
)
def test_wrong_arguments_are_named(options, field, tmp_path):
    with pytest.raises(InvalidInput, match=field):
        write_healpix(slope([10, 11], [20, 21]), tmp_path / "a.fits", **options)


def test_what_a_map_cannot_hold_is_refused(channelled, tmp_path):
    with pytest.raises(ExportRefused, match="one channel"):
        write_healpix(channelled, tmp_path / "a.fits")
    with pytest.raises(ExportRefused, match="nothing to map"):
        write_healpix(slope([10, 11], [20, 21]), tmp_path / "a.fits", nside=1)


def test_other_frames_are_refused(tmp_path):
    path = write_healpix(slope([10, 11], [20, 21]), tmp_path / "a.fits")
    with fits.open(path) as hdus:
        hdus[1].header["COORDSYS"] = "G"
        hdus.writeto(tmp_path / "b.fits", checksum=True)
    with pytest.raises(FileError, match="'G'"):
        read_healpix(tmp_path / "b.fits")
