"""Truth: an id names its family before the last dot."""

from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.revocations import new_family, new_token_id, revocable_ids


@given(st.text(max_size=30))
def test_a_token_is_revoked_by_itself_or_its_family(family):
    token_id = new_token_id(family)
    assert revocable_ids(token_id) == (token_id, family)


def test_names_do_not_repeat():
    assert (
        len({new_family() for _ in range(1000)} | {new_token_id("x") for _ in range(1000)}) == 2000
    )
