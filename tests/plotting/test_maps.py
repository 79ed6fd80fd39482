"""Truth: the pixels of the drawn picture, looked up where a direction must lie."""

import subprocess
import sys

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.plotting import plot_map, plot_polar
from skyscan_lab.session import empty_session, samples_of, session_from_points


def session(az, el, *, peak=(0, 0), units="dBm", **kwargs):
    az, el = np.meshgrid(az, el)
    level = np.full(az.shape, -100.0)
    level[peak] = -50.0
    return session_from_points(az.ravel(), el.ravel(), level.ravel(), units=units, **kwargs)


def pixel(figure: Figure, x: float, y: float) -> np.ndarray:
    """Colour of the picture at a place of its first axes, RGB within [0, 1]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())
    column, row = figure.axes[0].transData.transform((x, y))
    return picture[picture.shape[0] - 1 - round(row), round(column), :3] / 255.0


def is_colour(seen: np.ndarray, expected: tuple[float, ...]) -> bool:
    return bool(np.allclose(seen, expected[:3], atol=0.02))


BRIGHT = colormaps["viridis"](1.0)
DARK = colormaps["viridis"](0.0)


def test_azimuth_grows_to_the_right_and_elevation_upwards() -> None:
    # Six rows and eight columns, the bright cell neither in the middle nor on a diagonal.
    figure = plot_map(session(np.arange(100.0, 108), np.arange(30.0, 36), peak=(1, 6)))
    assert is_colour(pixel(figure, 106.0, 31.0), BRIGHT)
    for az, el in ((101.0, 31.0), (106.0, 34.0), (101.0, 34.0), (105.0, 31.0), (106.0, 32.0)):
        assert is_colour(pixel(figure, az, el), DARK)


def test_a_degree_across_is_a_degree_on_the_sky() -> None:
    figure = plot_map(session(np.arange(0.0, 9), np.arange(56.0, 65)))
    FigureCanvasAgg(figure).draw()
    transform = figure.axes[0].transData.transform
    across = transform((5.0, 60.0))[0] - transform((4.0, 60.0))[0]
    up = transform((4.0, 61.0))[1] - transform((4.0, 60.0))[1]
    assert across / up == pytest.approx(np.cos(np.radians(60.0)), rel=1e-6)


def test_missing_cells_have_no_colour_of_the_scale() -> None:
    ds = session(np.arange(0.0, 8), np.arange(20.0, 26), peak=(5, 0))
    ds["rssi"][2:5, 3:6] = np.nan
    seen = pixel(plot_map(ds), 4.0, 23.0)
    assert np.ptp(seen) < 0.02  # grey; no colour of viridis is
    assert seen[0] > 0.4


def test_a_map_across_north_is_labelled_with_the_compass() -> None:
    figure = plot_map(session(np.arange(350.0, 371, 2), np.arange(20.0, 31, 2), peak=(1, 7)))
    figure.canvas.draw()
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert "0°" in labels
    assert not any(label.startswith("36") for label in labels)
    assert is_colour(pixel(figure, 364.0, 22.0), BRIGHT)


@pytest.mark.parametrize(
    ("units", "label"), [("dBm", "dBm"), ("dBFS", "dBFS"), ("counts", "receiver counts")]
)
def test_the_bar_names_the_units(units: str, label: str) -> None:
    figure = plot_map(session([1.0, 2.0], [3.0, 4.0], units=units))
    assert figure.axes[1].get_ylabel() == f"signal strength ({label})"


def test_one_outlier_does_not_flatten_the_scale() -> None:
    ds = session(np.arange(0.0, 60), np.arange(20.0, 60))
    ds["rssi"][:] = np.random.default_rng(1).normal(-90.0, 1.0, ds["rssi"].shape)
    ds["rssi"][5, 5] = 1000.0
    low, high = plot_map(ds).axes[0].collections[0].get_clim()
    assert -95.0 < low < -90.0 < high < -85.0
    low, high = plot_map(ds, percentiles=(0.0, 100.0)).axes[0].collections[0].get_clim()
    assert high == 1000.0


@pytest.mark.parametrize("percentiles", [(5.0, 5.0), (99.0, 1.0), (-1.0, 50.0), (0.0, 101.0)])
def test_percentiles_that_are_no_range_are_refused(percentiles: tuple[float, float]) -> None:
    with pytest.raises(InvalidInput, match="percentiles"):
        plot_map(session([1.0, 2.0], [3.0, 4.0]), percentiles=percentiles)


def test_satellites_and_sources_are_marked_where_they_are() -> None:
    ds = session(np.arange(340.0, 381), np.arange(20.0, 41), peak=(10, 20))
    listed = QTable(
        {
            "name": ["A", "B", "C", "beyond"],
            "azimuth": [5.0, 6.0, 350.0, 90.0] * u.deg,
            "elevation": [30.0, 30.0, 25.0, 30.0] * u.deg,
        }
    )
    figure = plot_map(ds, satellites=listed, sources=listed["azimuth", "elevation"][2:])
    satellites, sources = figure.axes[0].lines
    assert satellites.get_xdata().tolist() == [365.0, 366.0, 350.0]
    assert sources.get_xdata().tolist() == [350.0]
    assert [text.get_text() for text in figure.axes[0].texts] == ["C", "A +1", "1"]


def test_samples_are_drawn_one_by_one() -> None:
    ds = samples_of(session(np.arange(100.0, 108), np.arange(30.0, 36), peak=(1, 6)))
    figure = plot_map(ds)
    assert is_colour(pixel(figure, 106.0, 31.0), BRIGHT)
    assert is_colour(pixel(figure, 105.0, 31.0), DARK)
    assert is_colour(pixel(figure, 105.5, 31.5), (1.0, 1.0, 1.0))  # nothing in between


def test_a_polar_view_has_east_on_the_right_of_north() -> None:
    ds = session(np.arange(0.0, 360, 10), np.arange(5.0, 86, 10), peak=(2, 9))  # az 90, el 25
    figure = plot_polar(ds)
    assert is_colour(pixel(figure, np.radians(90.0), 65.0), BRIGHT)
    for azimuth in (0.0, 180.0, 270.0):
        assert is_colour(pixel(figure, np.radians(azimuth + 3), 65.0), DARK)
    transform = figure.axes[0].transData.transform
    middle, east, north = (transform(p) for p in ((0, 0), (np.radians(90), 65), (0, 65)))
    assert east[0] > middle[0] + 50
    assert north[1] > middle[1] + 50


def test_a_polar_view_bends_its_missing_cells_with_the_grid() -> None:
    ds = session(np.arange(0.0, 360, 5), np.arange(20.0, 61, 5))
    ds["rssi"][4] = np.nan
    figure = plot_polar(ds)
    for azimuth in range(3, 360, 30):
        seen = [pixel(figure, np.radians(azimuth), 50.0 + shift) for shift in (-1.5, 0, 1.5)]
        assert all(np.ptp(colour) < 0.02 for colour in seen)


@pytest.mark.parametrize("draw", [plot_map, plot_polar])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_the_smallest_maps_can_be_drawn(draw, shape) -> None:
    grid = ScanGrid(az=(10, 9 + shape[1]), el=(20, 19 + shape[0]), step=1)
    figure = draw(empty_session(grid, units="dBm"))
    figure.canvas.draw()
    full = session(grid.azimuths, grid.elevations)
    assert is_colour(pixel(plot_map(full), 10.0, 20.0), BRIGHT if full.rssi.size > 1 else DARK)


@pytest.mark.parametrize("draw", [plot_map, plot_polar])
def test_what_is_not_a_session_of_one_channel_is_refused(draw) -> None:
    ds = session([1.0, 2.0], [3.0, 4.0])
    with pytest.raises(SessionError):
        draw(ds.drop_vars("flag"))
    for name in ("rssi", "rssi_std", "rssi_last"):
        ds[name] = ds[name].expand_dims(frequency=[1e9, 2e9])
    with pytest.raises(SessionError, match="one channel"):
        draw(ds)


def test_the_given_axes_are_drawn_on() -> None:
    figure = Figure()
    ax = figure.subplots()
    assert plot_map(session([1.0, 2.0], [3.0, 4.0]), ax, title="mine") is figure
    assert ax.get_title() == "mine"


def test_a_figure_shows_itself_in_a_notebook() -> None:
    picture = plot_map(session([1.0, 2.0], [3.0, 4.0]))._repr_png_()
    assert picture.startswith(b"\x89PNG")


def test_drawing_leaves_pyplot_alone() -> None:
    code = (
        "import sys; from skyscan_lab.session import session_from_points as s\n"
        "from skyscan_lab.plotting import plot_map, plot_polar\n"
        "ds = s([1, 2, 1, 2], [3, 3, 4, 4], [1, 2, 3, 4])\n"
        "plot_map(ds)._repr_png_(); plot_polar(ds)._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
