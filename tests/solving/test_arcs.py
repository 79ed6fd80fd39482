"""Lists of the geostationary arc, the right one and wrong ones; `arcs` makes the skies."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable

from skyscan_lab.solving.arc import arc_of
from skyscan_lab.solving.buildup import build_up
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.solving.solve import solve_sky
from skyscan_lab.sphere import direction, separation, unit_vector
from tests.solving.arcs import angle_between_deg, arc_sky, look


@pytest.fixture(scope="module")
def sky():
    return arc_sky(2, step_deg=3.0)


@pytest.fixture(scope="module")
def free(sky):
    return build_up(samples_for_fit(sky.session))


def listing(sky, **options):
    azimuth, elevation = sky.listed(**options)
    names = [f"slot {place}" for place in range(azimuth.size)]
    return QTable({"name": names, "azimuth": azimuth * u.deg, "elevation": elevation * u.deg})


def test_the_right_list_is_believed_and_says_how_the_mount_was_set_up(sky, free):
    solved = solve_sky(sky.session, free, listing(sky))
    assert solved.status == "unique"
    assert angle_between_deg(solved.pointing["value"].to_value(u.deg)[:3], sky.mount_deg) < 0.05


def test_a_list_that_is_slid_along_the_arc_is_not(sky, free):
    solved = solve_sky(sky.session, free, listing(sky, slide_deg=-7.0))
    assert solved.status == "ambiguous"
    assert any("slid along the arc" in text for text in solved.undetermined)


def test_a_list_that_has_east_for_west_is_not(sky, free):
    assert solve_sky(sky.session, free, listing(sky, mirrored=True)).status != "unique"


@pytest.mark.parametrize("latitude_deg", [-52.0, -8.0, 33.0])
def test_the_site_of_an_arc_is_found_and_so_is_where_it_would_be_if_slid(latitude_deg):
    longitudes = np.array([-31.0, -20.0, -3.0, 4.5, 17.0])
    found = arc_of(unit_vector(*look(latitude_deg, longitudes)))
    assert found.latitude_deg == pytest.approx(latitude_deg, abs=0.01)
    away = separation(*direction(found.slid(10.0)), *look(latitude_deg, longitudes + 10.0))
    assert away.max() < 0.02
