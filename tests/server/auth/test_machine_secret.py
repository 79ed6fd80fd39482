"""Truth: hashlib's SHA-256, and the length of what is random."""

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.machine_secret import hash_secret, new_secret, secret_matches


def test_256_random_bits():
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(base64.urlsafe_b64decode(secret + "=")) for secret in made} == {32}


def test_only_a_hash_is_stored():
    assert hash_secret("abc") == hashlib.sha256(b"abc").hexdigest()


@given(st.text(), st.text())
def test_matches_itself_alone(secret, other):
    stored = hash_secret(secret)
    assert secret_matches(secret, stored)
    assert secret_matches(other, stored) == (other == secret)
    assert not secret_matches(secret, None)


def test_what_is_no_text_is_a_wrong_secret():
    assert not secret_matches("\ud800", hash_secret("a"))
    assert not secret_matches("", None)
