"""Truth: datetime, for times near the ends of the calendar and far from them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from skyscan_lab.protocol.times import AskedTime, Moment, UtcTime

ASKED, MOMENT, WRITTEN = map(TypeAdapter, (AskedTime, Moment, UtcTime))
SOME_YEARS = map(datetime.fromisoformat, ("1678-01-02", "2261-12-30"))
ZONES = st.builds(timedelta, minutes=st.integers(-1439, 1439))


@given(st.datetimes(*SOME_YEARS), st.none() | st.just("Z") | ZONES)
def test_a_time_means_the_same_however_it_is_written(moment, zone):
    if isinstance(zone, timedelta):
        minutes = round(zone.total_seconds() / 60)
        sign, minutes = "-" if minutes < 0 else "+", abs(minutes)
        suffix, wanted = f"{sign}{minutes // 60:02}:{minutes % 60:02}", moment - zone
    else:
        suffix, wanted = zone or "", moment
    text = moment.isoformat() + suffix
    assert ASKED.validate_python(text) == wanted.replace(tzinfo=UTC)
    if suffix:
        assert MOMENT.validate_python(text) == wanted.replace(tzinfo=UTC)
    assert WRITTEN.validate_python(text) == wanted
    assert WRITTEN.dump_python(wanted, mode="json") == wanted.isoformat(timespec="seconds")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
@pytest.mark.parametrize("kind", [ASKED, MOMENT, WRITTEN])
def test_what_has_no_time_in_utc_is_refused(kind, text):
    with pytest.raises(ValidationError):
        kind.validate_python(text)


@pytest.mark.parametrize("text", ["1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z"])
@pytest.mark.parametrize("kind", [ASKED, MOMENT])
def test_a_session_could_not_hold_it(kind, text):
    with pytest.raises(ValidationError):
        kind.validate_python(text)


@pytest.mark.parametrize("text", ["1700000000", "0", "2026-02-14", "12:00", "2026-02-14T25:00:00"])
def test_a_number_or_half_a_time_is_not_asked_for(text):
    with pytest.raises(ValidationError, match="a time in ISO 8601"):
        ASKED.validate_python(text)
