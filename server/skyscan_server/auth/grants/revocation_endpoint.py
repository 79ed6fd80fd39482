"""The revocation endpoint: a client gives back what it no longer needs (RFC 7009)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from skyscan_server.auth.grants.clients import Client, Clients, authenticate
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.refresh_tokens import RefreshToken, RefreshTokens
from skyscan_server.auth.grants.token_request import read_asking
from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.principal import Principal, TokenRefused, TokenVerifier
from skyscan_server.auth.revocations import Revocations


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """What is to end, and who asks; a part that was not given is empty."""

    token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    @classmethod
    def of(
        cls, fields: Iterable[tuple[str, str]], authorization: str | None = None
    ) -> RevocationRequest:
        """Read a form; parameters and refusals as of `TokenRequest.of`.

        ``token_type_hint`` is passed over: what kind of token it is can be seen.
        """
        names = frozenset({"token", "client_id", "client_secret"})
        return cls(**read_asking(fields, authorization, names))


class RevocationEndpoint:
    """Ends tokens for those to whom they were given.

    Parameters
    ----------
    issuer : Issuer
        Made the tokens; its clock is ours.
    verifier : TokenVerifier
        Of our own tokens.
    clients, refresh_tokens, revocations
        What is kept.
    """

    def __init__(
        self,
        issuer: Issuer,
        verifier: TokenVerifier,
        *,
        clients: Clients,
        refresh_tokens: RefreshTokens,
        revocations: Revocations,
    ) -> None:
        self._issuer = issuer
        self._verifier = verifier
        self._clients = clients
        self._refresh_tokens = refresh_tokens
        self._revocations = revocations

    async def answer(self, request: RevocationRequest) -> None:
        """End a token; a refresh token with the whole login.

        One that was given to no client, as those of ``skyscan token``, may be ended by whoever
        has it. One that is good no more, or never was, is no reason for a refusal: it is as it
        was to be.

        Raises
        ------
        OAuthError
            For a client that does not prove who it is, and for the token of another.
        """
        if not request.token:
            raise OAuthError("invalid_request", "token: must be given")
        client = None
        if request.client_id:
            secret = request.client_secret or None
            client = await authenticate(self._clients, request.client_id, secret)
        login = await self._refresh_tokens.find(hash_secret(request.token))
        if login is not None:
            await self._end_login(login, client)
            return
        try:
            principal = await self._verifier.verify(request.token)
        except TokenRefused:
            return
        await self._end_access(principal, client)

    async def _end_login(self, login: RefreshToken, client: Client | None) -> None:
        _require_own(login.client_id, client)
        await self._revocations.revoke(login.family, login.expires + self._issuer.lifetime)

    async def _end_access(self, principal: Principal, client: Client | None) -> None:
        _require_own(principal.client_id, client)
        if principal.expires is not None:
            await self._revocations.revoke(principal.token_id, principal.expires)


def _require_own(owner: str | None, client: Client | None) -> None:
    if owner is not None and client is None:
        raise OAuthError("invalid_client", "client_id: must be given, as the token is a client's")
    if owner != (None if client is None else client.client_id):
        raise OAuthError("invalid_grant", "token: not given to this client")
