"""The authorization endpoint: somebody who is known agrees that a client may act for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from skyscan_server.auth.clock import Clock, utc_now
from skyscan_server.auth.grants.clients import Client, Clients, GrantType
from skyscan_server.auth.grants.codes import AuthorizationCode, Codes
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.parameters import read_parameters
from skyscan_server.auth.grants.pkce import METHOD, is_challenge
from skyscan_server.auth.grants.redirects import with_parameters
from skyscan_server.auth.machine_secret import hash_secret, new_secret
from skyscan_server.auth.principal import Principal
from skyscan_server.auth.revocations import new_family
from skyscan_server.auth.scopes import Scope, parse_scopes, unknown_scopes

CODE_LIFETIME = timedelta(seconds=60)
"""A client exchanges its code at once."""

_NAMES = frozenset(
    {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    }
)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks somebody to agree to; a part that was not given is empty."""

    client_id: str = ""
    redirect_uri: str = ""
    response_type: str = ""
    scope: str = ""
    state: str = field(default="", repr=False)
    code_challenge: str = field(default="", repr=False)
    code_challenge_method: str = ""

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str]]) -> AuthorizationRequest:
        """Read a query.

        Raises
        ------
        OAuthError
            For a parameter that came twice or is too long.
        """
        return cls(**read_parameters(fields, _NAMES))


class Authorizations:
    """Turns agreements into codes.

    Parameters
    ----------
    issuer : str
        Our name, which goes back with the code so that a client of several issuers cannot be
        made to mistake one for another (RFC 9207).
    clients : Clients
        Those that may ask.
    codes : Codes
        Where codes are kept.
    clock : callable
        What time it is.
    lifetime : timedelta
        Of a code.
    """

    def __init__(
        self,
        issuer: str,
        clients: Clients,
        codes: Codes,
        clock: Clock = utc_now,
        *,
        lifetime: timedelta = CODE_LIFETIME,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._codes = codes
        self._clock = clock
        self._lifetime = lifetime

    async def client_of(self, request: AuthorizationRequest) -> Client:
        """Tell which client asks, and that the browser may be sent back to it.

        Raises
        ------
        OAuthError
            To be shown to the person. Nothing may be sent to an address that is not known to
            be the client's.
        """
        client = await self._clients.find(request.client_id)
        if client is None:
            raise OAuthError("invalid_client", "client_id: no such client is registered")
        if request.redirect_uri not in client.redirect_uris:
            raise OAuthError(
                "invalid_request",
                "redirect_uri: must be, letter by letter, one that the client is registered with",
            )
        return client

    async def authorize(self, principal: Principal, request: AuthorizationRequest) -> str:
        """Let a client act for somebody who has agreed to it.

        Parameters
        ----------
        principal : Principal
            Who agrees, already authenticated. The client gets no more than they have.
        request : AuthorizationRequest
            What the client asks for; without a scope, all that it is registered with.

        Returns
        -------
        str
            Address to send the browser to: with a code, or with the reason for a refusal.

        Raises
        ------
        OAuthError
            Where there is no address to send it to.
        """
        client = await self.client_of(request)
        try:
            answer = {"code": await self._code(client, principal, request)}
        except OAuthError as refusal:
            answer = {"error": refusal.error, "error_description": refusal.description}
        if request.state:
            answer["state"] = request.state
        return with_parameters(request.redirect_uri, {**answer, "iss": self._issuer})

    async def _code(
        self, client: Client, principal: Principal, request: AuthorizationRequest
    ) -> str:
        if request.response_type != "code":
            raise OAuthError("unsupported_response_type", "response_type: must be code")
        if GrantType.AUTHORIZATION_CODE not in client.grants:
            raise OAuthError("unauthorized_client", "the client may not ask for codes")
        if request.code_challenge_method != METHOD or not is_challenge(request.code_challenge):
            raise OAuthError(
                "invalid_request",
                "code_challenge, code_challenge_method: a challenge of method S256 is needed",
            )
        scopes = _agreed(client, principal, request.scope)
        code = new_secret()
        await self._codes.add(
            AuthorizationCode(
                code_hash=hash_secret(code),
                family=new_family(),
                client_id=client.client_id,
                redirect_uri=request.redirect_uri,
                challenge=request.code_challenge,
                subject=principal.subject,
                scopes=scopes,
                expires=self._clock() + self._lifetime,
            )
        )
        return code


def _agreed(client: Client, principal: Principal, scope: str) -> frozenset[Scope]:
    if principal.installation is not None:
        # The tokens made from a code are for people and see all; an installation must not.
        raise OAuthError("access_denied", "only people may let a client act for them")
    wanted = parse_scopes(scope) if scope else client.scopes
    if unknown_scopes(scope) or not wanted <= client.scopes:
        raise OAuthError("invalid_scope", "scope: the client may not ask for all of these")
    scopes = wanted & principal.scopes
    if not scopes:
        raise OAuthError("access_denied", "the person has none of the scopes asked for")
    return scopes
