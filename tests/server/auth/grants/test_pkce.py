"""Truth: hashlib, RFC 7636 and its example in appendix B."""

import base64
import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.grants.pkce import challenge_of, is_challenge, is_verifier, proves

verifiers = st.text(string.ascii_letters + string.digits + "-._~", min_size=43, max_size=128)


def test_the_example_of_the_rfc():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert proves(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


@given(verifiers, verifiers)
def test_a_verifier_proves_its_own_challenge_alone(verifier, other):
    challenge = challenge_of(verifier)
    digest = base64.urlsafe_b64decode(challenge + "=")
    assert digest == hashlib.sha256(verifier.encode()).digest()
    assert is_challenge(challenge)
    assert is_verifier(verifier)
    assert proves(verifier, challenge)
    assert proves(other, challenge) == (other == verifier)
    assert not proves(verifier, verifier), "that would be the method plain"


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 129, "é" * 43, "a" * 42 + " ", "a" * 43 + "\n"]
)
def test_what_is_no_verifier(text):
    assert not is_verifier(text)
    assert not proves(text, challenge_of("a" * 43))


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "."])
def test_what_is_no_challenge(text):
    assert not is_challenge(text)
