"""The token endpoint: a client proves who it is and what it was given, and gets tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from skyscan_lab.protocol.oauth import TokenReply
from skyscan_server.auth.grants.clients import Client, Clients, GrantType, authenticate
from skyscan_server.auth.grants.codes import AuthorizationCode, Codes
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.pkce import proves
from skyscan_server.auth.grants.refresh_tokens import RefreshToken, RefreshTokens
from skyscan_server.auth.grants.token_request import TokenRequest
from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.machine_secret import hash_secret, new_secret
from skyscan_server.auth.revocations import Revocations
from skyscan_server.auth.scopes import Scope, format_scopes, parse_scopes, unknown_scopes

LOGIN_LIFETIME = timedelta(days=30)
"""After this time a person logs in again."""

ASKED_AGAIN_WITHIN = timedelta(seconds=30)
"""For how long a refresh whose answer was lost may be asked for again."""

_Answer = Callable[[Client, TokenRequest], Awaitable[TokenReply]]


class TokenEndpoint:
    """Answers requests for tokens.

    Parameters
    ----------
    issuer : Issuer
        Makes access tokens; its clock is ours.
    clients, codes, refresh_tokens, revocations
        What is kept.
    login_lifetime : timedelta
        For how long a login can be refreshed.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        clients: Clients,
        codes: Codes,
        refresh_tokens: RefreshTokens,
        revocations: Revocations,
        login_lifetime: timedelta = LOGIN_LIFETIME,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._codes = codes
        self._refresh_tokens = refresh_tokens
        self._revocations = revocations
        self._login_lifetime = login_lifetime
        self._answers: Mapping[str, _Answer] = {
            GrantType.CLIENT_CREDENTIALS: self._to_client,
            GrantType.AUTHORIZATION_CODE: self._to_code,
            GrantType.REFRESH: self._to_refresh_token,
        }

    async def answer(self, request: TokenRequest) -> TokenReply:
        """Answer a request.

        Raises
        ------
        OAuthError
            For one that is refused. ``invalid_client`` is status 401, the others are 400.
        """
        request.need("grant_type", "client_id")
        answer = self._answers.get(request.grant_type)
        if answer is None:
            raise OAuthError(
                "unsupported_grant_type", f"grant_type: must be one of {', '.join(GrantType)}"
            )
        client = await authenticate(self._clients, request.client_id, request.client_secret or None)
        if request.grant_type not in client.grants:
            raise OAuthError("unauthorized_client", "grant_type: not for this client")
        return await answer(client, request)

    async def _to_client(self, client: Client, request: TokenRequest) -> TokenReply:
        scopes = _narrowed(request.scope, client.scopes)
        # The client is the family: all its tokens end by revoking the client.
        return self._reply(
            client, client.client_id, scopes, client.client_id, installation=client.installation
        )

    async def _to_code(self, client: Client, request: TokenRequest) -> TokenReply:
        request.need("code", "redirect_uri", "code_verifier")
        code = await self._codes.find(hash_secret(request.code))
        if code is None or not _bound(code, client, request):
            raise OAuthError("invalid_grant", "code: unknown, or not for this client and request")
        # Only now, since whoever has seen a code but not its verifier must not spoil it.
        if not await self._codes.use(code.code_hash):
            await self._end(code.family)
            raise OAuthError("invalid_grant", "code: used before; tokens made from it are revoked")
        now = self._issuer.clock()
        if now >= code.expires:
            raise OAuthError("invalid_grant", "code: expired")
        refresh_token = None
        if GrantType.REFRESH in client.grants:
            refresh_token = new_secret()
            await self._refresh_tokens.add(
                RefreshToken(
                    token_hash=hash_secret(refresh_token),
                    family=code.family,
                    client_id=client.client_id,
                    subject=code.subject,
                    scopes=code.scopes,
                    expires=now + self._login_lifetime,
                )
            )
        return self._reply(
            client, code.subject, code.scopes, code.family, refresh_token=refresh_token
        )

    async def _to_refresh_token(self, client: Client, request: TokenRequest) -> TokenReply:
        request.need("refresh_token")
        old = await self._refresh_tokens.find(hash_secret(request.refresh_token))
        if old is None or old.client_id != client.client_id:
            raise OAuthError("invalid_grant", "refresh_token: unknown, or not for this client")
        if self._issuer.clock() >= old.expires:
            raise OAuthError("invalid_grant", "refresh_token: the login has expired")
        if await self._revocations.any_revoked((old.family,)):
            raise OAuthError("invalid_grant", "refresh_token: the login was revoked")
        # A client that was given less since then gets less.
        scopes = _narrowed(request.scope, old.scopes & client.scopes)
        refresh_token = new_secret()
        following = RefreshToken(
            token_hash=hash_secret(refresh_token),
            family=old.family,
            client_id=old.client_id,
            subject=old.subject,
            scopes=old.scopes,
            expires=old.expires,
        )
        if not await self._rotate(old.token_hash, following):
            # Two have it, and one of them is a thief; nobody can tell which.
            await self._end(old.family)
            raise OAuthError("invalid_grant", "refresh_token: used before; the login is revoked")
        return self._reply(client, old.subject, scopes, old.family, refresh_token=refresh_token)

    async def _rotate(self, token_hash: str, following: RefreshToken) -> bool:
        now = self._issuer.clock()
        if await self._refresh_tokens.rotate(token_hash, following, now):
            return True
        old = await self._refresh_tokens.find(token_hash)
        if old is None or old.used is None or old.followed_by is None:
            return False
        if now >= old.used + ASKED_AGAIN_WITHIN:
            return False
        # Asked again: what the lost answer held is given up, unless it was not lost and is used.
        return await self._refresh_tokens.rotate(old.followed_by, following, None)

    async def _end(self, family: str) -> None:
        """Revoke a login for as long as anything of it could be good."""
        longest = self._login_lifetime + self._issuer.lifetime
        await self._revocations.revoke(family, self._issuer.clock() + longest)

    def _reply(
        self,
        client: Client,
        subject: str,
        scopes: frozenset[Scope],
        family: str,
        *,
        installation: str | None = None,
        refresh_token: str | None = None,
    ) -> TokenReply:
        made = self._issuer.mint(
            subject, scopes, installation=installation, client_id=client.client_id, family=family
        )
        return TokenReply(
            access_token=made.token,
            expires_in=int(self._issuer.lifetime.total_seconds()),
            scope=format_scopes(scopes),
            refresh_token=refresh_token,
        )


def _bound(code: AuthorizationCode, client: Client, request: TokenRequest) -> bool:
    return (
        code.client_id == client.client_id
        and code.redirect_uri == request.redirect_uri
        and proves(request.code_verifier, code.challenge)
    )


def _narrowed(scope: str, most: frozenset[Scope]) -> frozenset[Scope]:
    """Scopes that were asked for, all of which must be allowed; all that are, if none were."""
    wanted = parse_scopes(scope) if scope else most
    if not wanted or unknown_scopes(scope) or not wanted <= most:
        raise OAuthError("invalid_scope", "scope: not all of these may be had")
    return wanted
