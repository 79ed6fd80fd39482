"""Truth: the scopes themselves: what is written must be read as the same set."""

from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.scopes import GRANTS, Scope, format_scopes, parse_scopes, unknown_scopes

scopes = st.frozensets(st.sampled_from(Scope))
words = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1).filter(
    lambda word: word not in {str(scope) for scope in Scope}
)


@given(scopes)
def test_round_trip(some):
    assert parse_scopes(format_scopes(some)) == some
    assert unknown_scopes(format_scopes(some)) == []


@given(scopes, st.lists(words), st.randoms())
def test_unknown_words_are_left_out_and_told(some, others, random):
    mixed = [str(scope) for scope in some] + others
    random.shuffle(mixed)
    text = " ".join(mixed)
    assert parse_scopes(text) == some
    assert sorted(unknown_scopes(text)) == sorted(others)


@given(st.text())
def test_any_text_gives_scopes_that_exist(text):
    assert parse_scopes(text) <= frozenset(Scope)


def test_only_a_space_separates():
    assert parse_scopes("admin\tnode") == frozenset()
    assert parse_scopes(" admin  node ") == {Scope.ADMIN, Scope.NODE}
    assert parse_scopes("ADMIN") == frozenset()


def test_each_grant_has_what_the_lesser_one_has():
    assert GRANTS["requester"] < GRANTS["operator"] < GRANTS["owner"]
    for grant in GRANTS.values():
        assert not grant & {Scope.NODE, Scope.INTERNAL}, "people are no nodes"
