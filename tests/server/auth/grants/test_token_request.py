"""Truth: RFC 6749, sections 2.3.1 and 3.2, on how a request comes."""

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.token_request import TokenRequest


def basic(name, secret):
    return "Basic " + base64.b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


def test_a_form():
    request = TokenRequest.of(
        [("grant_type", "refresh_token"), ("refresh_token", "r"), ("client_id", "page")]
    )
    assert (request.grant_type, request.refresh_token) == ("refresh_token", "r")
    assert (request.client_id, request.client_secret) == ("page", "")


def test_empty_is_none_and_unknown_is_ignored():
    request = TokenRequest.of([("grant_type", "x"), ("scope", ""), ("audience", "y"), ("a", "b")])
    assert request == TokenRequest(grant_type="x")
    request.need("grant_type")
    with pytest.raises(OAuthError, match="invalid_request: scope, code: must be given"):
        request.need("grant_type", "scope", "code")


texts = st.text(min_size=1, max_size=50)


@given(texts, texts)
def test_a_client_in_the_header(name, secret):
    request = TokenRequest.of([("grant_type", "x"), ("client_id", name)], basic(name, secret))
    assert (request.client_id, request.client_secret) == (name, secret)


@pytest.mark.parametrize(
    ("fields", "header", "error", "words"),
    [
        ([("scope", "a"), ("scope", "b")], None, "invalid_request", "scope: must not come twice"),
        ([("scope", "a"), ("scope", "")], None, "invalid_request", "scope: must not come twice"),
        ([("code", "a" * 4097)], None, "invalid_request", "at most 4096"),
        ([("client_secret", "s")], basic("a", "s"), "invalid_request", "names itself"),
        ([("client_id", "b")], basic("a", "s"), "invalid_request", "names itself"),
        ([], "Bearer " + basic("a", "s").split()[1], "invalid_client", "must be Basic"),
        ([], basic("a", "s" * 4096), "invalid_client", "must be Basic"),
        ([], "Basic", "invalid_client", "must be Basic"),
        ([], "Basic ???", "invalid_client", "must be Basic"),
        ([], "Basic " + base64.b64encode(b"\xff:\xff").decode(), "invalid_client", "must be Basic"),
        ([], "Basic " + base64.b64encode(b"nocolon").decode(), "invalid_client", "must be Basic"),
        ([], "Basic " + base64.b64encode(b":secret").decode(), "invalid_client", "must be Basic"),
    ],
)
def test_refused(fields, header, error, words):
    with pytest.raises(OAuthError, match=words) as caught:
        TokenRequest.of(fields, header)
    assert caught.value.error == error


def test_secrets_are_in_no_representation():
    names = ("client_secret", "code", "code_verifier", "refresh_token", "redirect_uri")
    request = TokenRequest.of([(name, f"hidden-{name}") for name in names])
    assert "hidden" not in repr(request)
