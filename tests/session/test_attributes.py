"""Truth: what was said about a session is still said."""

from skyscan_lab.session import units_of
from tests.session.parts import scanned


def test_provenance_is_kept_and_said() -> None:
    ds = scanned(
        units="dBFS", averaging="linear power", attrs={"receiver": "rtl_tcp", "note": None}
    )
    assert ds.attrs["receiver"] == "rtl_tcp"
    assert ds.attrs["averaging"] == "linear power"
    assert ds.attrs["source"].startswith("skyscan-lab ")
    assert "note" not in ds.attrs
    assert units_of(ds) == "dBFS"
    assert scanned().attrs["averaging"] == "unknown"


def test_attributes_of_a_session_can_go_into_the_next_one() -> None:
    first = scanned(location=(47.0, 8.5), attrs={"history": "then"})
    second = scanned(attrs=first.attrs)
    assert second.attrs == first.attrs
