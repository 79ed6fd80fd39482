"""Truth: one code, one node; the alphabet of Crockford's base 32; our own token endpoint."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.enrolment import Enrolling, EnrolmentRefused
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.token_endpoint import TokenEndpoint
from skyscan_server.auth.grants.token_request import TokenRequest
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.principal import TokenRefused
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.typed_code import new_code, read_code


@pytest.fixture
def enrolling(enrolments, clock):
    return Enrolling(enrolments, clock)


async def test_a_code_becomes_a_client_that_gets_tokens(
    enrolling, issuer, clients, codes, refresh_tokens, revocations, verifier
):
    invitation = await enrolling.invite("roof")
    enrolled = await enrolling.redeem(invitation.code)
    assert enrolled.installation == "roof"
    endpoint = TokenEndpoint(
        issuer,
        clients=clients,
        codes=codes,
        refresh_tokens=refresh_tokens,
        revocations=revocations,
    )
    reply = await endpoint.answer(
        TokenRequest(
            grant_type="client_credentials",
            client_id=enrolled.client_id,
            client_secret=enrolled.client_secret,
        )
    )
    principal = await verifier.verify(reply.access_token)
    assert (principal.subject, principal.installation) == (enrolled.client_id, "roof")
    assert principal.scopes == {Scope.NODE}


async def test_a_second_code_ends_the_node_that_there_was(
    enrolling, issuer, clients, codes, refresh_tokens, revocations, verifier
):
    endpoint = TokenEndpoint(
        issuer,
        clients=clients,
        codes=codes,
        refresh_tokens=refresh_tokens,
        revocations=revocations,
    )

    async def token_of(enrolled):
        request = TokenRequest(
            grant_type="client_credentials",
            client_id=enrolled.client_id,
            client_secret=enrolled.client_secret,
        )
        return (await endpoint.answer(request)).access_token

    mast = await enrolling.redeem((await enrolling.invite("mast")).code)
    first = await enrolling.redeem((await enrolling.invite("roof")).code)
    good = await token_of(first)
    await verifier.verify(good)
    second = await enrolling.redeem((await enrolling.invite("roof")).code)
    with pytest.raises(OAuthError, match="invalid_client"):
        await token_of(first)
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(good)
    for other in (mast, second):
        await verifier.verify(await token_of(other))


async def test_only_hashes_are_stored_and_shown(enrolling, enrolments, clients):
    invitation = await enrolling.invite("roof")
    letters = invitation.code.replace("-", "")
    assert set(enrolments.rows) == {hash_secret(letters)}
    shown = f"{enrolments.rows} {invitation!r} {invitation}"
    assert letters not in shown
    assert invitation.code not in shown
    enrolled = await enrolling.redeem(invitation.code)
    (client,) = clients.rows.values()
    assert client.secret_hash == hash_secret(enrolled.client_secret)
    assert enrolled.client_secret not in f"{enrolled!r} {client!r}"


async def test_every_refusal_is_the_same(enrolling, clients, clock):
    used, late = await enrolling.invite("used"), await enrolling.invite("late")
    await enrolling.redeem(used.code)
    clock.advance(hours=1)
    answers = set()
    for typed in (used.code, late.code, new_code(), "", "nonsense", "U" * 16, "é" * 16, "0" * 999):
        with pytest.raises(EnrolmentRefused) as caught:
            await enrolling.redeem(typed)
        answers.add((str(caught.value), caught.value.__cause__))
    ((words, _),) = answers
    assert "ask an administrator for a new one" in words
    assert {client.installation for client in clients.rows.values()} == {"used"}


async def test_good_for_an_hour(enrolling, clock):
    invitation = await enrolling.invite("roof")
    assert invitation.expires == clock.now + timedelta(hours=1)
    clock.advance(hours=1, microseconds=-1)
    assert (await enrolling.redeem(invitation.code)).installation == "roof"


async def test_or_for_as_long_as_was_said(enrolling, clock):
    invitation = await enrolling.invite("roof", timedelta(minutes=5))
    clock.advance(minutes=5)
    with pytest.raises(EnrolmentRefused):
        await enrolling.redeem(invitation.code)


async def test_of_many_at_once_one_is_enrolled(enrolling, clients):
    invitation = await enrolling.invite("roof")
    answers = await asyncio.gather(
        *(enrolling.redeem(invitation.code) for _ in range(10)), return_exceptions=True
    )
    enrolled = [answer for answer in answers if not isinstance(answer, EnrolmentRefused)]
    assert [client.client_id for client in enrolled] == list(clients.rows)
    assert len(enrolled) == 1


@pytest.mark.parametrize("name", ["", "-roof", ".", "a/b", "..", "a b", "é", "a\n", "a" * 101])
async def test_an_installation_has_a_name_that_is_safe_anywhere(enrolling, enrolments, name):
    with pytest.raises(ValueError, match="installation = "):
        await enrolling.invite(name)
    assert not enrolments.rows


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1)])
async def test_a_code_that_would_never_be_good(enrolling, lifetime):
    with pytest.raises(ValueError, match="lifetime"):
        await enrolling.invite("roof", lifetime)


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_codes_are_four_groups_of_four_that_do_not_repeat():
    made = [new_code() for _ in range(1000)]
    assert len(set(made)) == 1000
    for code in made:
        groups = code.split("-")
        assert [len(group) for group in groups] == [4, 4, 4, 4]
        assert set("".join(groups)) <= set(CROCKFORD)
    assert set("".join(made)) == {*CROCKFORD, "-"}, "all letters are used"


@given(st.text(CROCKFORD, min_size=16, max_size=16), st.randoms())
def test_read_however_it_is_typed(letters, random):
    worse = {"0": "0oO", "1": "1iIlL"}
    typed = ""
    for letter in letters:
        typed += random.choice(worse.get(letter, letter + letter.lower()))
        typed += random.choice(["", "", "-", " "])
    assert read_code(typed) == letters


@given(st.text())
def test_what_is_none_is_none(text):
    code = read_code(text)
    assert code is None or (len(code) == 16 and set(code) <= set(CROCKFORD))
