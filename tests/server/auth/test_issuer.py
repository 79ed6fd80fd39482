"""Truth: the claims as a reader with nothing but base64 and JSON sees them."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from skyscan_server.auth.scopes import GRANTS, Scope


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_persons_token(issuer, clock):
    made = issuer.mint("owner", GRANTS["owner"])
    claims = claims_of(made.token)
    noon = int(clock.now.timestamp())
    assert claims == {
        "iss": "https://hub.example",
        "sub": "owner",
        "aud": "skyscan",
        "scope": "admin rotors:admin rotors:move rotors:read skyscan:read skyscan:write",
        "jti": made.token_id,
        "iat": noon,
        "exp": noon + 3600,
    }
    assert made.expires == datetime.fromtimestamp(noon + 3600, UTC)


def test_an_installations_token(issuer):
    made = issuer.mint("node-1", {Scope.NODE}, installation="roof", lifetime=timedelta(minutes=5))
    claims = claims_of(made.token)
    assert claims["installation"] == "roof"
    assert claims["scope"] == "node"
    assert claims["exp"] - claims["iat"] == 300


def test_the_id_tells_the_family_and_is_used_once(issuer):
    ids = [issuer.mint("x", (), family="abc").token_id for _ in range(100)]
    assert len(set(ids)) == 100
    assert {token_id.rpartition(".")[0] for token_id in ids} == {"abc"}
    alone = {issuer.mint("x", ()).token_id.rpartition(".")[0] for _ in range(100)}
    assert len(alone) == 100


def test_a_second_is_the_shortest_life(issuer):
    claims = claims_of(issuer.mint("x", (), lifetime=timedelta(seconds=1)).token)
    assert claims["exp"] - claims["iat"] == 1


def test_the_token_is_in_no_representation(issuer):
    made = issuer.mint("owner", ())
    assert made.token not in f"{made!r} {made}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subject": "", "scopes": ()}, "must not be empty"),
        ({"subject": "x", "scopes": (), "installation": ""}, "must not be empty"),
        ({"subject": "x", "scopes": {Scope.NODE}}, "scope node must name one"),
        ({"subject": "x", "scopes": (), "lifetime": timedelta(milliseconds=999)}, "at least a sec"),
        ({"subject": "x", "scopes": (), "lifetime": timedelta(seconds=-5)}, "at least a second"),
    ],
)
def test_what_would_be_a_hole_is_refused(issuer, arguments, message):
    with pytest.raises(ValueError, match=message):
        issuer.mint(**arguments)
