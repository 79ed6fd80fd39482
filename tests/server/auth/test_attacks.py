"""Truth: RFC 8725 and the known attacks on JWT, forged with cryptography and base64 alone."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.keys import KEY_FILE, load_signing_key
from skyscan_server.auth.principal import TokenRefused
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.verification import MAX_HEADER_LENGTH, MAX_TOKEN_LENGTH, JwtVerifier

THIEF = Ed25519PrivateKey.generate()
THIEF_EC = ec.generate_private_key(ec.SECP256R1())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def packed(document):
    return b64(document if isinstance(document, bytes) else json.dumps(document).encode())


class Forge:
    """Makes tokens of any kind: with the hub's own key, which a thief does not have, or others."""

    def __init__(self, folder, now):
        key = load_signing_key(folder)
        stored = json.loads((folder / KEY_FILE).read_bytes())
        self.ours = Ed25519PrivateKey.from_private_bytes(
            base64.urlsafe_b64decode(stored["d"] + "=")
        )
        self.jwk = key.public_jwk()
        self.now = int(now.timestamp())
        self.header = {"alg": "Ed25519", "kid": key.key_id, "typ": "at+jwt"}
        self.claims = {
            "iss": "https://hub.example",
            "aud": "skyscan",
            "sub": "owner",
            "jti": "family.serial",
            "scope": "skyscan:read",
            "iat": self.now,
            "exp": self.now + 60,
        }

    def token(self, header=None, claims=None, sign=None, *, raw_header=None, raw_claims=None):
        """Header and claims say what differs from a good token's; None leaves a part out."""
        head = packed(raw_header) if raw_header is not None else packed(_with(self.header, header))
        body = packed(raw_claims) if raw_claims is not None else packed(_with(self.claims, claims))
        signed = f"{head}.{body}"
        return f"{signed}.{b64((sign or self.ours.sign)(signed.encode()))}"

    def swapped(self, **claims):
        """A good token with other claims under its signature."""
        head, _, signature = self.token().split(".")
        return f"{head}.{packed(_with(self.claims, claims))}.{signature}"

    def public_bytes(self):
        return self.ours.public_key().public_bytes_raw()

    def hs256(self, secret):
        def sign(data):
            return hmac.new(secret, data, hashlib.sha256).digest()

        return self.token({"alg": "HS256"}, sign=sign)


def _with(document, changes):
    merged = {**document, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not None}


def thief_es256(data):
    r, s = decode_dss_signature(THIEF_EC.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def thiefs_jwk():
    x = b64(THIEF.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


UNSIGNED = "not signed as it must be"
WRONG = "signature is wrong"
NO_JWT = "no signed JWT"

ATTACKS = {
    # what signs it
    "alg none": (lambda f: f.token({"alg": "none"}, sign=lambda _: b""), NO_JWT),
    "alg none, some signature": (lambda f: f.token({"alg": "none"}), UNSIGNED),
    "alg nOnE": (lambda f: f.token({"alg": "nOnE"}), UNSIGNED),
    "alg missing": (lambda f: f.token({"alg": None}), UNSIGNED),
    "alg a list": (lambda f: f.token({"alg": ["Ed25519"]}), UNSIGNED),
    "a thief's key, alg EdDSA": (lambda f: f.token({"alg": "EdDSA"}, sign=THIEF.sign), WRONG),
    "alg eddsa": (lambda f: f.token({"alg": "eddsa"}), UNSIGNED),
    "alg ed25519": (lambda f: f.token({"alg": "ed25519"}), UNSIGNED),
    "HS256, public key as secret": (lambda f: f.hs256(f.public_bytes()), UNSIGNED),
    "HS256, JWK as secret": (lambda f: f.hs256(json.dumps(f.jwk).encode()), UNSIGNED),
    "HS256, x as secret": (lambda f: f.hs256(f.jwk["x"].encode()), UNSIGNED),
    "HS256, empty secret": (lambda f: f.hs256(b""), UNSIGNED),
    "ES256 over our Ed25519 key": (
        lambda f: f.token({"alg": "ES256"}, sign=thief_es256),
        "key that its issuer does not have",
    ),
    "ES256, zeros": (
        lambda f: f.token({"alg": "ES256"}, sign=lambda _: bytes(64)),
        "key that its issuer does not have",
    ),
    "a thief's key under our name": (lambda f: f.token(sign=THIEF.sign), WRONG),
    "a thief's key under its own": (
        lambda f: f.token({"kid": "thief"}, sign=THIEF.sign),
        "key that its issuer does not have",
    ),
    "a thief's key in the header": (
        lambda f: f.token({"jwk": thiefs_jwk()}, sign=THIEF.sign),
        WRONG,
    ),
    "a thief's key at an address": (
        lambda f: f.token({"jku": "https://thief.example/jwks"}, sign=THIEF.sign),
        WRONG,
    ),
    "a thief's certificate": (
        lambda f: f.token({"x5u": "https://thief.example/x"}, sign=THIEF.sign),
        WRONG,
    ),
    "kid unknown": (lambda f: f.token({"kid": "../../dev/null"}), "key that its issuer does not"),
    "kid a number": (lambda f: f.token({"kid": 7}), "kid is no text"),
    "kid an object": (lambda f: f.token({"kid": {"a": 1}}), "kid is no text"),
    # what is signed
    "another payload": (lambda f: f.swapped(sub="admin"), WRONG),
    "more scopes": (lambda f: f.swapped(scope="admin"), WRONG),
    "a longer life": (lambda f: f.swapped(exp=f.now + 10**6), WRONG),
    "signature of another token": (
        lambda f: f"{f.token().rpartition('.')[0]}.{f.token(claims={'sub': 'x'}).split('.')[2]}",
        WRONG,
    ),
    "signature cut": (lambda f: f.token()[:-4], WRONG),
    "signature longer": (lambda f: f.token() + "AAAA", WRONG),
    "signature of zeros": (lambda f: f.token(sign=lambda _: bytes(64)), WRONG),
    "critical extension": (lambda f: f.token({"crit": ["exp"], "exp": 1}), "extensions"),
    "payload not encoded": (lambda f: f.token({"crit": ["b64"], "b64": False}), "extensions"),
    "b64 alone": (lambda f: f.token({"b64": False}), "extensions"),
    "an ID token": (lambda f: f.token({"typ": "logout+jwt"}), "no access token"),
    "typ a list": (lambda f: f.token({"typ": ["at+jwt"]}), "no access token"),
    # what it says
    "another issuer": (lambda f: f.token(claims={"iss": "https://thief.example"}), "of another"),
    "issuer with a slash": (lambda f: f.token(claims={"iss": "https://hub.example/"}), "of anoth"),
    "no issuer": (lambda f: f.token(claims={"iss": None}), "of another issuer"),
    "issuer in a list": (lambda f: f.token(claims={"iss": ["https://hub.example"]}), "of another"),
    "another audience": (lambda f: f.token(claims={"aud": "bank"}), "for another audience"),
    "other audiences": (lambda f: f.token(claims={"aud": ["bank", "sky"]}), "another audience"),
    "audience with ours inside": (lambda f: f.token(claims={"aud": "skyscan2"}), "another aud"),
    "no audience": (lambda f: f.token(claims={"aud": None}), "for another audience"),
    "audience an object": (lambda f: f.token(claims={"aud": {"skyscan": 1}}), "another audience"),
    "expired": (lambda f: f.token(claims={"exp": f.now - 1}), "has expired"),
    "expires now": (lambda f: f.token(claims={"exp": f.now}), "has expired"),
    "expired long ago": (lambda f: f.token(claims={"exp": -(10**9)}), "has expired"),
    "no exp": (lambda f: f.token(claims={"exp": None}), "never expires"),
    "exp null": (lambda f: f.token(raw_claims=_null(f, "exp")), "never expires"),
    "exp a text": (lambda f: f.token(claims={"exp": str(f.now + 60)}), "exp is no time"),
    "exp true": (lambda f: f.token(claims={"exp": True}), "exp is no time"),
    "exp NaN": (lambda f: f.token(claims={"exp": float("nan")}), "exp is no time"),
    "exp infinite": (lambda f: f.token(claims={"exp": float("inf")}), "exp is no time"),
    "exp huge": (lambda f: f.token(claims={"exp": 10**30}), "exp is no time"),
    "exp of 4000 digits": (lambda f: f.token(claims={"exp": 10**4000}), "exp is no time"),
    "exp of 5000 digits": (
        lambda f: f.token(raw_claims=b'{"exp": 1' + b"0" * 5000 + b"}"),
        "claims are no JSON",
    ),
    "not valid yet": (lambda f: f.token(claims={"nbf": f.now + 1}), "not good yet"),
    "nbf a text": (lambda f: f.token(claims={"nbf": "now"}), "nbf is no time"),
    "no sub": (lambda f: f.token(claims={"sub": None}), "has no sub"),
    "sub empty": (lambda f: f.token(claims={"sub": ""}), "sub is no name"),
    "sub a number": (lambda f: f.token(claims={"sub": 7}), "sub is no name"),
    "sub that breaks a log": (lambda f: f.token(claims={"sub": "a\nroot"}), "sub is no name"),
    "sub very long": (lambda f: f.token(claims={"sub": "a" * 256}), "sub is no name"),
    "jti a number": (lambda f: f.token(claims={"jti": 7}), "jti is no name"),
    "scope a list": (lambda f: f.token(claims={"scope": ["admin"]}), "scope is no text"),
    "installation a list": (lambda f: f.token(claims={"installation": ["a"]}), "no name"),
    "installation empty": (lambda f: f.token(claims={"installation": ""}), "no name"),
    "a node of no installation": (lambda f: f.token(claims={"scope": "node"}), "names no install"),
    # what it is made of
    "empty": ("", NO_JWT),
    "dots": ("..", NO_JWT),
    "garbage": ("garbage", NO_JWT),
    "three words": ("not.a.token", "header is no JSON"),
    "a secret of a client": (b64(bytes(32)), NO_JWT),
    "five parts (encrypted)": (lambda f: f.token() + ".AAAA.AAAA", NO_JWT),
    "two parts": (lambda f: f.token().rpartition(".")[0], NO_JWT),
    "a line break at the end": (lambda f: f.token() + "\n", NO_JWT),
    "a space before": (lambda f: " " + f.token(), NO_JWT),
    "padding": (lambda f: f.token() + "=", NO_JWT),
    "other letters inside": (lambda f: f.token().replace(".", ".!", 1), NO_JWT),
    "look-alike letters": (lambda f: "е" + f.token()[1:], NO_JWT),
    "half a surrogate": (lambda f: "\udc80" + f.token(), NO_JWT),
    "a zero": (lambda f: f.token() + "\0", NO_JWT),
    "header no JSON": (lambda f: f.token(raw_header=b"{"), "header is no JSON"),
    "header no UTF-8": (lambda f: f.token(raw_header=b'{"alg": "\xff"}'), "header is no JSON"),
    "header a list": (lambda f: f.token(raw_header=b'["alg"]'), "header is no object"),
    "header a number": (lambda f: f.token(raw_header=b"17"), "header is no object"),
    "header of brackets": (lambda f: f.token(raw_header=b"[" * 380), "header is no JSON"),
    "header too long": (lambda f: f.token({"x": "a" * 500}), "header is longer than 512"),
    "claims no JSON": (lambda f: f.token(raw_claims=b"{"), "claims are no JSON"),
    "claims a list": (lambda f: f.token(raw_claims=b"[]"), "claims are no object"),
    "claims of brackets": (lambda f: f.token(raw_claims=b"[" * 5000), "claims are no JSON"),
    "huge": (lambda f: f.token(claims={"x": "a" * MAX_TOKEN_LENGTH}), "longer than 8192"),
    "huge garbage": ("\udc80" * (MAX_TOKEN_LENGTH + 1), "longer than 8192"),
}


def _null(forge, name):
    return json.dumps({**forge.claims, name: None}).encode()


@pytest.fixture
def forge(tmp_path, clock):
    return Forge(tmp_path, clock.now)


@pytest.mark.parametrize(("make", "reason"), ATTACKS.values(), ids=ATTACKS)
async def test_refused_for_its_reason_and_without_repeating_it(verifier, forge, make, reason):
    token = make if isinstance(make, str) else make(forge)
    for _ in range(2):  # the second time nothing must have been remembered in its favour
        with pytest.raises(TokenRefused, match=reason) as caught:
            await verifier.verify(token)
        assert not any(part in str(caught.value) for part in token.split(".") if len(part) > 5)
        assert str(caught.value).isascii()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"claims": {"aud": ["bank", "skyscan"]}},
        {"claims": {"nbf": 0, "extra": [1, 2]}},
        {"claims": {"exp": 4102444800.5}},
        {"claims": {"scope": None}},
        {"claims": {"scope": "node", "installation": "roof"}},
        {"header": {"kid": None}},
        {"header": {"typ": None}},
        {"header": {"typ": "JWT"}},
        {"header": {"x5t": "AAAA", "unheard_of": 1}},
    ],
    ids=str,
)
async def test_what_differs_harmlessly_is_taken(verifier, forge, changes):
    """The table above would prove nothing if the forge's own tokens were no good."""
    principal = await verifier.verify(forge.token(**changes))
    assert principal.subject == "owner"


async def test_the_longest_token_and_header_that_are_taken(verifier, forge):
    # Base64 has no words of some lengths, so the header's varies until the whole fits.
    longest = next(
        token
        for head in ("", "a", "aa", "aaa")
        for pad in range(5400, 5900)
        if len(token := forge.token({"x": head}, {"x": "a" * pad})) == MAX_TOKEN_LENGTH
    )
    assert (await verifier.verify(longest)).subject == "owner"
    head = next(
        token
        for pad in range(MAX_HEADER_LENGTH)
        if (token := forge.token({"x": "a" * pad})).index(".") == MAX_HEADER_LENGTH
    )
    assert (await verifier.verify(head)).subject == "owner"


async def test_header_and_signature_are_not_told_apart_by_what_was_remembered(verifier, forge):
    good = forge.token()
    await verifier.verify(good)
    with pytest.raises(TokenRefused, match=WRONG):
        await verifier.verify(f"{good.rpartition('.')[0]}.{'A' * 86}")


NOW = datetime(2026, 2, 14, 12, tzinfo=UTC)


class NothingRevoked:
    async def any_revoked(self, _):
        return False


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """Forge and verifier for all examples of a property: none of them changes either."""
    folder = tmp_path_factory.mktemp("hub")
    keys = load_signing_key(folder).key_set()
    verifier = JwtVerifier(keys, "https://hub.example", "skyscan", NothingRevoked(), lambda: NOW)
    return SimpleNamespace(forge=Forge(folder, NOW), verifier=verifier)


@given(st.text(max_size=200))
async def test_no_text_is_a_token(lasting, text):
    with pytest.raises(TokenRefused):
        await lasting.verifier.verify(text)


@given(st.binary(max_size=100), st.binary(max_size=200), st.binary(max_size=70))
async def test_no_three_parts_are_a_token(lasting, head, body, signature):
    with pytest.raises(TokenRefused):
        await lasting.verifier.verify(f"{b64(head)}.{b64(body)}.{b64(signature)}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "jwk", "x5c", "b64"]), json_values)
)
async def test_no_header_breaks_it(lasting, header):
    with pytest.raises(TokenRefused):
        await lasting.verifier.verify(lasting.forge.token(header, sign=THIEF.sign))


@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "jti", "scope", "installation"]),
        json_values,
    )
)
async def test_no_claims_break_it_even_if_we_signed_them(lasting, claims):
    try:
        principal = await lasting.verifier.verify(lasting.forge.token(claims=claims))
    except TokenRefused:
        return
    assert principal.subject
    assert principal.expires > NOW
    assert Scope.NODE not in principal.scopes or principal.installation
