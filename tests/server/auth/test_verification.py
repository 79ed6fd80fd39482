"""Truth: the token that was minted, the clock that is set by hand, and how often keys are used."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.key_set import KeySet, VerificationKey
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.principal import Principal, TokenRefused
from skyscan_server.auth.scopes import GRANTS, Scope
from skyscan_server.auth.verification import JwtVerifier


@pytest.fixture
def checks(monkeypatch):
    """Counts signatures that are really checked."""
    done = []
    check = VerificationKey.payload

    def counted(key, token):
        done.append(token)
        return check(key, token)

    monkeypatch.setattr(VerificationKey, "payload", counted)
    return done


async def test_the_bearer_is_who_it_was_made_for(issuer, verifier):
    made = issuer.mint("node-1", {Scope.NODE}, installation="roof")
    assert await verifier.verify(made.token) == Principal(
        subject="node-1",
        installation="roof",
        scopes=frozenset({Scope.NODE}),
        token_id=made.token_id,
        expires=made.expires,
    )


async def test_people_have_no_installation(issuer, verifier):
    principal = await verifier.verify(issuer.mint("owner", GRANTS["owner"]).token)
    assert principal.installation is None
    assert principal.scopes == GRANTS["owner"]


async def test_good_until_its_last_second_and_no_longer(issuer, verifier, clock):
    token = issuer.mint("x", (), lifetime=timedelta(minutes=1)).token
    clock.advance(seconds=60, microseconds=-1)
    principal = await verifier.verify(token)
    assert await verifier.still_good(principal)
    clock.advance(microseconds=1)
    assert not await verifier.still_good(principal)
    with pytest.raises(TokenRefused, match="expired"):
        await verifier.verify(token)


async def test_a_signature_is_checked_once(issuer, verifier, checks):
    token, other = issuer.mint("x", ()).token, issuer.mint("x", ()).token
    for _ in range(5):
        await verifier.verify(token)
    await verifier.verify(other)
    assert checks == [token, other]


async def test_expired_although_remembered(issuer, verifier, clock, checks):
    token = issuer.mint("x", ()).token
    await verifier.verify(token)
    clock.advance(hours=1)
    with pytest.raises(TokenRefused, match="expired"):
        await verifier.verify(token)
    assert len(checks) == 1


@pytest.mark.parametrize("of", ["token", "family"])
async def test_revoked_although_remembered(issuer, verifier, revocations, clock, checks, of):
    made = issuer.mint("x", (), family="login")
    principal = await verifier.verify(made.token)
    revoked_id = {"token": made.token_id, "family": "login"}[of]
    await revocations.revoke(revoked_id, clock.now + timedelta(hours=2))
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(made.token)
    assert not await verifier.still_good(principal)
    assert len(checks) == 1


async def test_revoking_one_leaves_the_others(issuer, verifier, revocations, clock):
    first, second = (issuer.mint("x", (), family="login") for _ in range(2))
    stranger = issuer.mint("x", (), family="other")
    await revocations.revoke(first.token_id, clock.now + timedelta(hours=2))
    await verifier.verify(second.token)
    await revocations.revoke("login", clock.now + timedelta(hours=2))
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(second.token)
    await verifier.verify(stranger.token)


async def test_a_caller_without_a_token_stays_good(verifier, clock):
    nobody = Principal("plain", None, frozenset({Scope.SKYSCAN_READ}), "", None)
    clock.advance(days=10_000)
    assert await verifier.still_good(nobody)


async def test_memory_is_bounded_and_forgets_the_longest_unused(
    signing_key, issuer, revocations, clock, checks
):
    verifier = JwtVerifier(
        signing_key.key_set(), issuer.issuer, issuer.audience, revocations, clock, remembered=2
    )
    first, second, third = (issuer.mint(name, ()).token for name in "abc")
    for token in (first, second, first, third, first, second):
        await verifier.verify(token)
    assert checks == [first, second, third, second]


async def test_bad_tokens_push_nothing_out(signing_key, issuer, revocations, clock, checks):
    verifier = JwtVerifier(
        signing_key.key_set(), issuer.issuer, issuer.audience, revocations, clock, remembered=1
    )
    good = issuer.mint("x", ()).token
    await verifier.verify(good)
    for _ in range(3):
        with pytest.raises(TokenRefused):
            await verifier.verify(good[:-8] + "AAAAAAAA")
    await verifier.verify(good)
    assert checks.count(good) == 1


async def test_a_withdrawn_key_takes_its_tokens_along(signing_key, issuer, revocations, clock):
    class Changing:
        keys = signing_key.key_set()

        async def find(self, key_id, algorithm):
            return self.keys.get(key_id, algorithm)

    source = Changing()
    verifier = JwtVerifier(source, issuer.issuer, issuer.audience, revocations, clock)
    token = issuer.mint("x", ()).token
    await verifier.verify(token)
    source.keys = KeySet([])
    with pytest.raises(TokenRefused, match="key that its issuer does not have"):
        await verifier.verify(token)
    source.keys = signing_key.key_set()
    await verifier.verify(token)


@pytest.mark.parametrize(("claim", "sign"), [("exp", -1), ("nbf", 1)])
async def test_leeway_is_for_outside_issuers(signing_key, issuer, revocations, clock, claim, sign):
    now = int(clock.now.timestamp())

    def token(off):
        claims = {"iss": issuer.issuer, "aud": "skyscan", "sub": "x", "exp": now + 60}
        return signing_key.sign({**claims, claim: now + sign * off}, "at+jwt")

    def verifier(leeway):
        keys = signing_key.key_set()
        given = timedelta(seconds=leeway)
        return JwtVerifier(keys, issuer.issuer, "skyscan", revocations, clock, leeway=given)

    with pytest.raises(TokenRefused):
        await verifier(0).verify(token(1))
    principal = await verifier(30).verify(token(29))
    assert await verifier(30).still_good(principal)
    with pytest.raises(TokenRefused):
        await verifier(30).verify(token(31))
    with pytest.raises(ValueError, match="must be from 0 to 0:00:30"):
        verifier(31)
    with pytest.raises(ValueError, match="must be from 0"):
        verifier(-1)


async def test_good_from_its_first_instant(signing_key, verifier, clock):
    now = int(clock.now.timestamp())
    claims = {"iss": "https://hub.example", "aud": "skyscan", "sub": "x", "nbf": now}
    token = signing_key.sign({**claims, "exp": now + 60}, "at+jwt")
    clock.advance(microseconds=-1)
    with pytest.raises(TokenRefused, match="not good yet"):
        await verifier.verify(token)
    clock.advance(microseconds=1)
    await verifier.verify(token)


async def test_a_token_without_an_id_can_be_revoked_in_any_spelling(
    signing_key, verifier, revocations, clock
):
    claims = {"iss": "https://hub.example", "aud": "skyscan", "sub": "x"}
    first, second = (
        signing_key.sign({**claims, "exp": int(clock.now.timestamp()) + left}, "at+jwt")
        for left in (60, 61)
    )
    principal = await verifier.verify(first)
    assert principal.token_id != (await verifier.verify(second)).token_id
    await revocations.revoke(principal.token_id, principal.expires)
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(first)
    await verifier.verify(second)


NOW = datetime(2026, 2, 14, 12, tzinfo=UTC)


class NothingRevoked:
    async def any_revoked(self, _):
        return False


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    key = load_signing_key(tmp_path_factory.mktemp("hub"))
    issuer = Issuer(key, "us", "skyscan", clock=lambda: NOW)
    return issuer, JwtVerifier(key.key_set(), "us", "skyscan", NothingRevoked(), lambda: NOW)


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=255)


@given(names, st.frozensets(st.sampled_from(Scope)), names, st.integers(1, 10**9))
async def test_whatever_is_minted_is_verified(lasting, subject, scopes, installation, life_s):
    issuer, verifier = lasting
    made = issuer.mint(
        subject, scopes, installation=installation, lifetime=timedelta(seconds=life_s)
    )
    principal = await verifier.verify(made.token)
    assert (principal.subject, principal.installation) == (subject, installation)
    assert (principal.scopes, principal.token_id) == (scopes, made.token_id)
    assert principal.expires == made.expires == NOW + timedelta(seconds=life_s)
