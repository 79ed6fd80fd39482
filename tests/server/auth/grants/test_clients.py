"""Truth: the client that was stored, and one answer for all that is not it."""

import pytest

from skyscan_server.auth.grants.clients import Client, GrantType, authenticate
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.scopes import Scope

SERVICE = Client(
    "service",
    hash_secret("right"),
    frozenset({Scope.SKYSCAN_READ}),
    frozenset({GrantType.CLIENT_CREDENTIALS}),
)
PAGE = Client(
    "page", None, frozenset({Scope.SKYSCAN_READ}), frozenset({GrantType.AUTHORIZATION_CODE})
)


@pytest.fixture
def known(clients):
    clients.add(SERVICE)
    clients.add(PAGE)
    return clients


async def test_a_secret_proves_it(known):
    assert await authenticate(known, "service", "right") is SERVICE


async def test_a_public_client_has_nothing_to_prove(known):
    assert await authenticate(known, "page", None) is PAGE


async def test_every_refusal_is_the_same(known):
    answers = set()
    for client_id, secret in [
        ("service", "wrong"),
        ("service", ""),
        ("service", None),
        ("service", SERVICE.secret_hash),
        ("nobody", "right"),
        ("nobody", None),
        ("page", "right"),
        ("page", ""),
    ]:
        with pytest.raises(OAuthError) as caught:
            await authenticate(known, client_id, secret)
        assert caught.value.error == "invalid_client"
        answers.add(str(caught.value))
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secret_hash": None}, "need a secret"),
        ({"scopes": frozenset({Scope.NODE})}, "needs an installation"),
        ({"installation": "roof"}, "scope skyscan:read is not for an installation"),
        ({"redirect_uris": ("http://lab.example/back",)}, "redirect_uri"),
    ],
)
def test_a_client_that_would_be_a_hole_is_refused(changes, message):
    good = {
        "client_id": "x",
        "secret_hash": hash_secret("right"),
        "scopes": frozenset({Scope.SKYSCAN_READ}),
        "grants": frozenset({GrantType.CLIENT_CREDENTIALS}),
    }
    Client(**good)
    with pytest.raises(ValueError, match=message):
        Client(**{**good, **changes})


def test_the_hash_is_in_no_representation():
    assert SERVICE.secret_hash not in repr(SERVICE)
