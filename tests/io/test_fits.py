"""Truth: astropy, for coordinates and times; the session before it was written."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.utils import iers
from astropy.wcs import WCS

from skyscan_lab.datasets import fetch
from skyscan_lab.errors import ExportRefused, FileError, InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.io.celestial import SIDEREAL_TURN_DEG_PER_S
from skyscan_lab.io.fits import read_fits, write_fits
from skyscan_lab.io.formats import load_session
from skyscan_lab.session import Flag, empty_session, session_from_points
from skyscan_lab.sphere import separation

ARCSEC = 1.0 / 3600.0
SITES = [(46.95, 7.44, 550.0), (-33.9, 151.2, 20.0), (0.0, -70.0, 5000.0), (78.2, 15.6, 0.0)]


@pytest.fixture(autouse=True)
def _astropy_stays_offline():
    with iers.conf.set_temp("auto_download", False):
        yield


def whole_sky(location, *, duration_s=1.0, step=5.0):
    elevation, azimuth = np.meshgrid(
        np.arange(5.0, 90.0, step), np.arange(0.0, 360.0, step), indexing="ij"
    )
    moments = np.linspace(0.0, duration_s * 1e9, azimuth.size).astype("int64")
    return session_from_points(
        azimuth.ravel(),
        elevation.ravel(),
        np.cos(np.radians(azimuth.ravel())) + elevation.ravel(),
        time=np.datetime64("2024-06-01T03:00:00", "ns") + moments.astype("timedelta64[ns]"),
        location=location,
    )


def astropy_icrs(azimuth, elevation, time, location):
    latitude, longitude, height = location
    frame = AltAz(
        obstime=time,
        location=EarthLocation.from_geodetic(longitude, latitude, height),
    )
    return SkyCoord(azimuth * u.deg, elevation * u.deg, frame=frame).icrs


@pytest.mark.parametrize("options", [{}, {"projection": "CAR"}, {"icrs": False}])
def test_the_tables_are_the_session(options, any_session, assert_same, tmp_path):
    export = write_fits(any_session, tmp_path / "a.fits", **options)
    assert_same(any_session, read_fits(export.path))


@pytest.mark.parametrize("projection", ["ZEA", "CAR"])
@pytest.mark.parametrize("location", SITES)
def test_horizontal_coordinates_round_trip_through_astropy(projection, location, tmp_path):
    ds = whole_sky(location)
    export = write_fits(ds, tmp_path / "a.fits", projection=projection)
    wcs = WCS(fits.getheader(export.path))
    assert wcs.has_celestial
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    back = wcs.pixel_to_world_values(*wcs.world_to_pixel_values(azimuth, elevation))
    assert separation(*back, azimuth, elevation).max() <= 1e-9


def test_zenith_north_and_east_are_where_the_sky_has_them(tmp_path):
    export = write_fits(whole_sky(SITES[0]), tmp_path / "a.fits")
    wcs = WCS(fits.getheader(export.path))
    zenith = np.array(wcs.world_to_pixel_values(0.0, 90.0))
    north = np.array(wcs.world_to_pixel_values(0.0, 30.0)) - zenith
    east = np.array(wcs.world_to_pixel_values(90.0, 30.0)) - zenith
    assert north[1] > 0
    assert abs(north[0]) < 1e-9
    assert east[0] < 0
    assert abs(east[1]) < 1e-9


@pytest.mark.parametrize("projection", ["ZEA", "CAR"])
@pytest.mark.parametrize("location", SITES)
def test_icrs_of_every_pixel_is_astropys(projection, location, tmp_path):
    ds = whole_sky(location)
    export = write_fits(ds, tmp_path / "a.fits", projection=projection)
    assert export.icrs
    header = fits.getheader(export.path)
    horizontal, celestial = WCS(header), WCS(header, key="C")
    row, column = np.indices(horizontal.array_shape)
    azimuth, elevation = horizontal.pixel_to_world_values(column, row)
    sky = np.isfinite(azimuth) & (elevation >= 0.0)
    ra, dec = celestial.pixel_to_world_values(column, row)
    truth = astropy_icrs(azimuth[sky], elevation[sky], Time(header["DATE-AVG"]), location)
    distance = SkyCoord(ra[sky] * u.deg, dec[sky] * u.deg).separation(truth).deg
    assert distance.max() <= 25.0 * ARCSEC


def test_each_sample_has_its_own_icrs_position(tmp_path):
    ds = whole_sky(SITES[0], duration_s=7200.0, step=10.0)
    export = write_fits(ds, tmp_path / "a.fits")
    assert not export.icrs
    table = fits.getdata(export.path, "SAMPLES")
    truth = astropy_icrs(
        table["AZIMUTH_MEASURED"], table["ELEVATION_MEASURED"], Time(list(table["TIME"])), SITES[0]
    )
    found = SkyCoord(table["RA"] * u.deg, table["DEC"] * u.deg)
    assert found.separation(truth).deg.max() <= 0.001 * ARCSEC


def test_the_sky_must_not_turn_by_half_a_pixel(tmp_path):
    longest_s = 0.5 * 2.5 / SIDEREAL_TURN_DEG_PER_S  # half of half a step of 5°
    written = write_fits(whole_sky(SITES[0], duration_s=longest_s - 1.0), tmp_path / "a.fits")
    assert written.icrs
    assert written.reason is None
    slow = whole_sky(SITES[0], duration_s=longest_s + 1.0)
    refused = write_fits(slow, tmp_path / "a.fits")
    assert not refused.icrs
    assert "the sky turned by 1.25°" in refused.reason
    header = fits.getheader(refused.path)
    assert "CTYPE1C" not in header
    assert "the sky turned by 1.25 deg" in "".join(header["COMMENT"])


@pytest.mark.parametrize("options", [{"icrs": True}, {"primary": "icrs"}])
@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda make: make(location=None), "no site is recorded"),
        (lambda make: make().assign(time=lambda ds: ds.time.where(ds.time.isnull())), "no time"),
        (lambda make: make(duration_s=3600.0), "the sky turned by"),
    ],
)
def test_icrs_is_refused_with_the_reason(options, build, reason, make_session, tmp_path):
    with pytest.raises(ExportRefused, match=reason):
        write_fits(build(make_session), tmp_path / "a.fits", **options)
    assert not list(tmp_path.iterdir())
    assert reason in write_fits(build(make_session), tmp_path / "a.fits").reason


def test_the_header_says_when_the_session_began_and_ended(make_session, tmp_path):
    ds = make_session(duration_s=100.0)
    header = fits.getheader(write_fits(ds, tmp_path / "a.fits").path)
    times = ds["time"].values[~np.isnat(ds["time"].values)]
    middle = times.min() + (times.max() - times.min()) / 2
    for keyword, moment in {"OBS": times.min(), "AVG": middle, "END": times.max()}.items():
        for said in (Time(header[f"DATE-{keyword}"]), Time(header[f"MJD-{keyword}"], format="mjd")):
            assert abs((said - Time(moment)).sec) < 1e-3


@pytest.mark.parametrize("az", [(10, 80), (100, 170), (190, 260), (280, 350), (330, 30)])
def test_the_image_holds_the_whole_of_a_lopsided_session(az, tmp_path):
    grid = ScanGrid(az=az, el=(20, 80), step=2)
    azimuth, elevation = np.array([[p.azimuth_deg, p.elevation_deg] for p in grid.visits()]).T
    ds = session_from_points(azimuth, elevation, elevation + np.sin(azimuth), units="dB")
    path = write_fits(ds, tmp_path / "a.fits").path
    image = fits.getdata(path)
    x, y = WCS(fits.getheader(path)).world_to_pixel_values(azimuth, elevation)
    assert min(x.min(), y.min()) > -0.5
    assert x.max() < image.shape[1] - 0.5
    assert y.max() < image.shape[0] - 0.5
    # The pixels are of equal area, and so is what they show of the rectangle.
    bands = np.sin(np.radians(80.0)) - np.sin(np.radians(20.0))
    area = np.radians((az[1] - az[0]) % 360) * bands
    assert np.isfinite(image).sum() == pytest.approx(np.degrees(np.degrees(area)), rel=0.03)


@pytest.mark.parametrize("primary", ["horizontal", "icrs"])
def test_icrs_of_a_single_pixel_has_its_orientation(primary, tmp_path):
    site = SITES[0]
    moment = np.datetime64("2025-01-01T00:00:00", "ns")
    ds = session_from_points([100.0], [50.0], [1.0], time=[moment], location=site)
    path = write_fits(ds, tmp_path / "a.fits", projection="CAR", primary=primary).path
    header = fits.getheader(path)
    x, y = np.array([-0.4, 0.4, -0.4, 0.4]), np.array([-0.4, -0.4, 0.4, 0.4])
    horizontal, stars = (" ", "C") if primary == "horizontal" else ("A", " ")
    wanted = astropy_icrs(
        *WCS(header, key=horizontal).pixel_to_world_values(x, y), Time(moment), site
    )
    found = WCS(header, key=stars).pixel_to_world_values(x, y)
    assert separation(*found, wanted.ra.deg, wanted.dec.deg).max() < 1.0 * ARCSEC


def test_half_a_pixel_is_half_of_its_shorter_side(tmp_path):
    elevation, azimuth = np.meshgrid([20.0, 20.5, 21.0], [100.0, 104.0, 108.0], indexing="ij")
    turn_s = 0.3 / SIDEREAL_TURN_DEG_PER_S  # more than half of 0.5°, less than half of 4°
    ds = session_from_points(
        azimuth.ravel(),
        elevation.ravel(),
        np.arange(9.0),
        time=np.datetime64("2025-01-01", "ns")
        + (np.linspace(0.0, turn_s, 9) * 1e9).astype("timedelta64[ns]"),
        location=SITES[0],
    )
    export = write_fits(ds, tmp_path / "a.fits", projection="CAR")
    assert not export.icrs
    assert "half a pixel is 0.25°" in export.reason


def test_every_axis_of_an_image_is_described(channelled, tmp_path):
    header = fits.getheader(write_fits(channelled, tmp_path / "a.fits").path)
    for axis in range(1, header["NAXIS"] + 1):
        for keyword in ("CTYPE", "CRPIX", "CRVAL", "CDELT"):
            assert f"{keyword}{axis}" in header


def test_a_selected_channel_says_its_frequency(channelled, tmp_path):
    one = channelled.isel(frequency=2, polarization=0)
    assert fits.getheader(write_fits(one, tmp_path / "a.fits").path)["OBSFREQ"] == 1.422e9


def test_icrs_can_come_first(gridded, tmp_path):
    second = WCS(fits.getheader(write_fits(gridded, tmp_path / "a.fits").path), key="C")
    header = fits.getheader(write_fits(gridded, tmp_path / "b.fits", primary="icrs").path)
    assert header["CTYPE1"].startswith("RA-")
    pixels = np.array([[0.0, 0.0], [3.0, 5.0]])
    np.testing.assert_array_equal(
        WCS(header).wcs_pix2world(pixels, 0), second.wcs_pix2world(pixels, 0)
    )
    assert WCS(header, key="A").wcs.ctype[0] == "ALON-ZEA"


def test_the_rectangle_holds_the_cells_themselves(gridded, tmp_path):
    export = write_fits(gridded, tmp_path / "a.fits", projection="CAR")
    image = fits.getdata(export.path)
    np.testing.assert_array_equal(image, gridded["rssi"].values)
    wcs = WCS(fits.getheader(export.path))
    azimuth, elevation = wcs.pixel_to_world_values([0, 5], [0, 3])
    np.testing.assert_allclose(azimuth, [350.0, 10.0])
    np.testing.assert_allclose(elevation, [20.0, 32.0])


def test_the_image_is_linear_between_the_cells_and_empty_outside(tmp_path):
    ds = whole_sky(SITES[0])
    ds["rssi"][:] = ds["elevation"].values[:, np.newaxis] * np.ones(ds["azimuth"].size)
    export = write_fits(ds, tmp_path / "a.fits", pixel_deg=1.0)
    image, wcs = fits.getdata(export.path), WCS(fits.getheader(export.path))
    row, column = np.indices(image.shape)
    _, elevation = wcs.pixel_to_world_values(column, row)
    inside = np.isfinite(elevation) & (elevation >= 5.0) & (elevation <= 85.0)
    np.testing.assert_allclose(image[inside], elevation[inside], atol=1e-9)
    assert np.isnan(image[np.isfinite(elevation) & ~inside]).all()


def test_a_missing_cell_stays_missing(tmp_path):
    ds = whole_sky(SITES[0])
    ds["rssi"][8, 20] = np.nan
    image_of = {
        radius: (ds["elevation"].values[8], ds["azimuth"].values[20] + radius)
        for radius in (0.0, 11.0)
    }
    export = write_fits(ds, tmp_path / "a.fits", pixel_deg=1.0)
    image, wcs = fits.getdata(export.path), WCS(fits.getheader(export.path))
    found = {}
    for radius, (elevation, azimuth) in image_of.items():
        column, row = wcs.world_to_array_index_values(azimuth, elevation)[::-1]
        found[radius] = image[row, column]
    assert np.isnan(found[0.0])
    assert np.isfinite(found[11.0])


def test_channels_are_axes_of_the_image(channelled, tmp_path):
    export = write_fits(channelled, tmp_path / "a.fits", projection="CAR")
    header = fits.getheader(export.path)
    np.testing.assert_array_equal(fits.getdata(export.path), channelled["rssi"].values)
    assert [header["POL1"], header["POL2"]] == ["H", "V"]
    assert header["CTYPE4"] == "FREQ"
    wcs = WCS(header)
    frequency = wcs.wcs_pix2world([[1, 1, 1, 3]], 1)[0, 3]
    assert frequency == pytest.approx(1.422e9)


def test_uneven_frequencies_are_refused(make_session, with_channels, tmp_path):
    uneven = with_channels(make_session(), frequencies=(1.0e9, 1.1e9, 1.3e9))
    with pytest.raises(ExportRefused, match="not evenly spaced"):
        write_fits(uneven, tmp_path / "a.fits")


def test_astropy_has_nothing_to_fix(gridded, tmp_path):
    export = write_fits(gridded, tmp_path / "a.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(export.path, checksum=True) as hdus:
            hdus.verify("exception")
            WCS(hdus[0].header)
            WCS(hdus[0].header, key="C")
            assert hdus[0].header["BUNIT"] == "dB(mW)"
            assert [hdu.name for hdu in hdus[1:]] == ["SAMPLES", "SESSION"]


def test_the_same_session_makes_the_same_bytes(gridded, tmp_path):
    first = write_fits(gridded, tmp_path / "a.fits").path.read_bytes()
    assert write_fits(gridded, tmp_path / "b.fits").path.read_bytes() == first


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"projection": "TAN"}, "projection"),
        ({"primary": "galactic"}, "primary"),
        ({"pixel_deg": 0.0}, "pixel_deg"),
        ({"pixel_deg": float("nan")}, "pixel_deg"),
        ({"pixel_deg": 1e-4}, "pixel_deg"),
        ({"pixel_deg": 1e-4, "projection": "CAR"}, "pixel_deg"),
    ],
)
def test_wrong_arguments_are_named(options, field, gridded, tmp_path):
    with pytest.raises(InvalidInput, match=field):
        write_fits(gridded, tmp_path / "a.fits", **options)


def test_an_empty_image_says_why_and_notes_are_told(tmp_path):
    ds = empty_session(ScanGrid(az=(10, 20), el=(30, 40), step=2), units="dBm")
    for column in range(3):
        ds["rssi"].values[0, column] = ds["rssi_last"].values[0, column] = -90.0
        ds["azimuth_measured"].values[0, column] = 10 + 2 * column
        ds["elevation_measured"].values[0, column] = 30
        ds["rssi_reads"].values[0, column] = 1
        ds["sequence"].values[0, column] = column
        ds["flag"].values[0, column] = Flag.MEASURED
    ds.attrs["notes"] = "wind\nfrom the south"
    write_fits(ds, tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        assert np.isnan(hdus[0].data).all()
        words = " ".join("".join(hdus[0].header["COMMENT"]).split())
    assert "No pixel has a value: the readings are too few, or all on one line" in words
    assert "wind" in words
    assert "from the south" in words
    assert read_fits(tmp_path / "a.fits").attrs["notes"] == ds.attrs["notes"]


def test_names_of_any_letters_and_numbers_of_any_size_are_written(gridded, assert_same, tmp_path):
    gridded.attrs |= {"title": "Höhe 3°\n", "frequency_hz": float("nan"), "rotor": 5}
    export = write_fits(gridded, tmp_path / "a.fits")
    assert fits.getheader(export.path)["OBJECT"] == "H?he 3 deg?"
    assert_same(gridded, read_fits(export.path))


def test_fits_of_other_makers_is_refused(tmp_path):
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "a.fits")
    with pytest.raises(FileError, match="not a session of ours"):
        read_fits(tmp_path / "a.fits")


def test_a_flipped_bit_is_noticed(gridded, tmp_path):
    path = write_fits(gridded, tmp_path / "a.fits").path
    damaged = bytearray(path.read_bytes())
    damaged[-4000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(FileError, match=r"[Cc]hecksum"):
        read_fits(path)


@pytest.mark.recording
@pytest.mark.parametrize("projection", ["ZEA", "CAR"])
def test_the_real_recordings_brightest_pixel(projection, tmp_path):
    ds = load_session(fetch("winegard-g2")["scan_data.txt"])
    export = write_fits(ds, tmp_path / "a.fits", projection=projection)
    image, wcs = fits.getdata(export.path), WCS(fits.getheader(export.path))
    row, column = np.unravel_index(np.nanargmax(image), image.shape)
    azimuth, elevation = wcs.pixel_to_world_values(column, row)
    assert separation(azimuth, elevation, 174.2, 43.0) < 0.8
