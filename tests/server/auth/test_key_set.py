"""Truth: keys and JWK documents made with cryptography and base64 alone; RFC 7517 on reading."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.errors import JoseError

from skyscan_server.auth.key_set import read_key, read_key_set


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EC = ec.derive_private_key(2**200 + 7, ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


def ec_signature(data):
    r, s = decode_dss_signature(EC.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


ED_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(ED.public_key().public_bytes_raw()), "kid": "a"}
EC_NUMBERS = EC.public_key().public_numbers()
EC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": b64(EC_NUMBERS.x.to_bytes(32)),
    "y": b64(EC_NUMBERS.y.to_bytes(32)),
    "kid": "b",
}
RSA_NUMBERS = RSA.public_key().public_numbers()
RSA_JWK = {"kty": "RSA", "n": number(RSA_NUMBERS.n), "e": "AQAB", "kid": "c"}

SIGNED = {
    "Ed25519": (ED_JWK, ED.sign),
    "ES256": (EC_JWK, ec_signature),
    "RS256": (RSA_JWK, lambda data: RSA.sign(data, padding.PKCS1v15(), hashes.SHA256())),
}


OLD = {"Ed25519": "EdDSA"}


def token(algorithm, sign, header=None):
    head = b64(json.dumps({"alg": algorithm, **(header or {})}).encode())
    signed = f"{head}.{b64(b'payload')}"
    return f"{signed}.{b64(sign(signed.encode()))}"


@pytest.mark.parametrize("algorithm", SIGNED)
def test_checks_what_others_signed(algorithm):
    jwk, sign = SIGNED[algorithm]
    key = read_key(jwk)
    assert (key.key_id, key.algorithm) == (jwk["kid"], algorithm)
    assert key.payload(token(algorithm, sign)) == b"payload"


def test_issuers_may_still_write_eddsa():
    key = read_key({**ED_JWK, "alg": "EdDSA"})
    assert key == read_key(ED_JWK)
    assert key.payload(token("EdDSA", ED.sign)) == b"payload"
    with pytest.raises(JoseError):
        key.payload(token("EdDSA", Ed25519PrivateKey.generate().sign))


@pytest.mark.parametrize("signed_as", SIGNED)
@pytest.mark.parametrize("checked_as", SIGNED)
@pytest.mark.parametrize("named", [*SIGNED, "HS256", "none", "PS256", "EdDSA"])
def test_only_its_own_algorithm(signed_as, checked_as, named):
    if signed_as == checked_as and named in (signed_as, OLD.get(signed_as)):
        return
    with pytest.raises(JoseError):
        read_key(SIGNED[checked_as][0]).payload(token(named, SIGNED[signed_as][1]))


def test_a_key_is_the_same_however_it_is_described():
    described = read_key({**ED_JWK, "use": "sig", "alg": "Ed25519", "key_ops": ["verify"]})
    assert described == read_key(ED_JWK)
    assert read_key({**ED_JWK, "kid": "z"}) != read_key(ED_JWK)
    other = b64(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    assert read_key({**ED_JWK, "x": other}) != read_key(ED_JWK)


def test_a_private_part_is_left_behind():
    key = read_key({**ED_JWK, "d": b64(bytes(range(32)))})
    assert key == read_key(ED_JWK)
    assert not key._key.is_private


WEAK = 2**1023 + 1

USELESS = {
    "for encryption": {**RSA_JWK, "use": "enc"},
    "for signing": {**ED_JWK, "key_ops": ["sign"]},
    "operations no list": {**ED_JWK, "key_ops": "verify"},
    "another algorithm": {**RSA_JWK, "alg": "PS256"},
    "HS256 of a public key": {**ED_JWK, "alg": "HS256"},
    "alg a list": {**ED_JWK, "alg": ["Ed25519"]},
    "kid a number": {**ED_JWK, "kid": 7},
    "symmetric": {"kty": "oct", "k": b64(bytes(32)), "kid": "a"},
    "X25519": {**ED_JWK, "crv": "X25519"},
    "Ed448": {**ED_JWK, "crv": "Ed448"},
    "P-384": {**EC_JWK, "crv": "P-384"},
    "of a later year": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    "no kind": {"kid": "a"},
    "kind a list": {**ED_JWK, "kty": ["OKP"]},
    "no x": {name: value for name, value in ED_JWK.items() if name != "x"},
    "x too short": {**ED_JWK, "x": "AAAA"},
    "x a number": {**ED_JWK, "x": 7},
    "off the curve": {**EC_JWK, "y": b64(bytes(31) + b"\1")},
    "weak RSA": {**RSA_JWK, "n": number(WEAK)},
    "weak RSA, padded": {**RSA_JWK, "n": b64(WEAK.to_bytes(256))},
    "huge RSA": {**RSA_JWK, "n": "z" * 100_000},
    "RSA without modulus": {"kty": "RSA", "e": "AQAB"},
    "RSA with exponent 1": {**RSA_JWK, "e": "AQ"},
}


@pytest.mark.parametrize("jwk", USELESS.values(), ids=USELESS)
async def test_useless_keys_are_left_out_and_good_ones_kept(jwk):
    assert read_key(jwk) is None
    keys = read_key_set({"keys": [jwk, EC_JWK]})
    assert len(keys) == 1
    assert await keys.find("b", "ES256") == read_key(EC_JWK)


async def test_found_by_name_and_algorithm():
    keys = read_key_set({"keys": [ED_JWK, EC_JWK, {**RSA_JWK, "kid": "a"}, None, 7]})
    assert (await keys.find("a", "Ed25519")).thumbprint == read_key(ED_JWK).thumbprint
    assert (await keys.find("a", "RS256")).thumbprint == read_key(RSA_JWK).thumbprint
    assert await keys.find("b", "Ed25519") is None
    assert await keys.find("z", "ES256") is None


async def test_without_a_name_only_where_there_is_one():
    keys = read_key_set({"keys": [ED_JWK, EC_JWK, {**EC_JWK, "kid": "d"}]})
    assert await keys.find(None, "Ed25519") == read_key(ED_JWK)
    assert await keys.find(None, "ES256") is None


@pytest.mark.parametrize(("bits", "good"), [(2047, 0), (2048, 1), (4096, 1), (4097, 0)])
def test_rsa_keys_have_2048_to_4096_bits(bits, good):
    modulus = 2 ** (bits - 1) + 1
    assert (read_key({**RSA_JWK, "n": number(modulus)}) is not None) == good


@pytest.mark.parametrize("document", [None, 7, [], [ED_JWK], {}, {"keys": {}}, {"keys": "a"}])
def test_what_is_no_set_is_told(document):
    with pytest.raises(ValueError, match="no JWK Set"):
        read_key_set(document)


def test_a_set_without_end_is_cut():
    assert len(read_key_set({"keys": [{**ED_JWK, "kid": str(n)} for n in range(1000)]})) == 64
