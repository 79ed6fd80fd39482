"""Routes by which programs and people come by tokens, at both listeners of the hub.

A person agrees on a page: they prove who they are with a token they have (``skyscan token``
prints one), and the browser goes back to the client with a code. No cookie is set, so no other
page can agree in their name.
"""

from __future__ import annotations

from html import escape
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.protocol.oauth import TokenError, TokenReply
from skyscan_server.auth.grants.authorization import AuthorizationRequest, Authorizations
from skyscan_server.auth.grants.clients import GrantType
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.pkce import METHOD
from skyscan_server.auth.grants.revocation_endpoint import RevocationEndpoint, RevocationRequest
from skyscan_server.auth.grants.token_endpoint import TokenEndpoint
from skyscan_server.auth.grants.token_request import TokenRequest
from skyscan_server.auth.keys import SigningKey
from skyscan_server.auth.principal import TokenRefused, TokenVerifier
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import Refused
from skyscan_server.web.operations import FORM, Call, Operation
from skyscan_server.web.problems import HttpRefusal, ProblemShape

_TAG = "OAuth 2"
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_NOT_STORED = {"Cache-Control": "no-store"}


class _Form(BaseModel):
    # Unknown parameters are passed over, as the protocol asks.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The parts that were given."""
        return [(name, text) for name, text in self if text is not None]


class TokenForm(_Form):
    """Body of ``POST /oauth/token``: RFC 6749, sections 4.1.3, 4.4.2 and 6; RFC 7636."""

    grant_type: str | None = None
    client_id: str | None = None
    client_secret: str | None = Field(default=None, repr=False)
    scope: str | None = None
    code: str | None = Field(default=None, repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = Field(default=None, repr=False)
    refresh_token: str | None = Field(default=None, repr=False)


class RevocationForm(_Form):
    """Body of ``POST /oauth/revoke``: RFC 7009, section 2.1."""

    token: str | None = Field(default=None, repr=False)
    token_type_hint: str | None = None
    client_id: str | None = None
    client_secret: str | None = Field(default=None, repr=False)


class AuthorizationQuery(_Form):
    """Query of ``GET /oauth/authorize``: RFC 6749, section 4.1.1; RFC 7636."""

    response_type: str | None = None
    client_id: str | None = None
    redirect_uri: str | None = None
    scope: str | None = None
    state: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class AgreementForm(AuthorizationQuery):
    """What the page of ``GET /oauth/authorize`` sends: the query, and who agrees."""

    token: str = Field(min_length=1, max_length=8192, repr=False)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The parts of the query."""
        return [(name, text) for name, text in super().fields if name != "token"]


class JsonWebKeys(BaseModel):
    """Public keys that our tokens are signed with: RFC 7517."""

    keys: list[dict[str, Any]]


class ServerMetadata(BaseModel):
    """Where is what, for programs that have never heard of us: RFC 8414.

    ``issuer`` is what our tokens and codes say. It is a name, and no address: a hub has as many of
    those as it has networks.
    """

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    scopes_supported: list[Scope]
    response_types_supported: list[str]
    grant_types_supported: list[GrantType]
    token_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str]
    authorization_response_iss_parameter_supported: bool


def token_operations(
    endpoint: TokenEndpoint,
    revoking: RevocationEndpoint,
    key: SigningKey,
    issuer: str,
    *,
    with_page: bool = False,
) -> list[Operation]:
    """Declare the endpoints that give tokens and take them back, and what is known of them.

    Parameters
    ----------
    endpoint, revoking, key : TokenEndpoint, RevocationEndpoint, SigningKey
        What is served.
    issuer : str
        What our tokens call us.
    with_page : bool
        Whether the page on which people agree is served here as well.
    """

    async def issue_token(call: Call[TokenForm, None]) -> TokenReply:
        call.answer_headers |= _NOT_STORED
        try:
            request = TokenRequest.of(call.body.fields, call.request.headers.get("Authorization"))
            return await endpoint.answer(request)
        except OAuthError as error:
            raise _refusal(error) from error

    async def revoke_token(call: Call[RevocationForm, None]) -> None:
        call.answer_headers |= _NOT_STORED
        try:
            header = call.request.headers.get("Authorization")
            await revoking.answer(RevocationRequest.of(call.body.fields, header))
        except OAuthError as error:
            raise _refusal(error) from error

    async def json_web_keys(call: Call[None, None]) -> JsonWebKeys:  # noqa: ARG001 - a handler takes its call
        return JsonWebKeys.model_validate(key.jwks())

    async def metadata(call: Call[None, None]) -> ServerMetadata:
        here = str(call.request.url.origin())
        return ServerMetadata(
            issuer=issuer,
            authorization_endpoint=f"{here}/oauth/authorize" if with_page else None,
            token_endpoint=f"{here}/oauth/token",
            revocation_endpoint=f"{here}/oauth/revoke",
            jwks_uri=f"{here}/.well-known/jwks.json",
            scopes_supported=sorted(Scope),
            response_types_supported=["code"] if with_page else [],
            grant_types_supported=list(GrantType),
            token_endpoint_auth_methods_supported=[
                "none",
                "client_secret_basic",
                "client_secret_post",
            ],
            code_challenge_methods_supported=[METHOD],
            authorization_response_iss_parameter_supported=True,
        )

    return [
        Operation(
            method="POST",
            path="/oauth/token",
            handler=issue_token,
            summary="Get a token for client credentials, a code or a refresh token",
            public=True,
            tag=_TAG,
            consumes=FORM,
            max_body_bytes=2**14,
            problem=ProblemShape(TokenError, _token_error),
            errors={
                400: "invalid_grant: code: expired",
                401: "invalid_client: the client is unknown, or its secret is wrong",
            },
        ),
        Operation(
            method="POST",
            path="/oauth/revoke",
            handler=revoke_token,
            summary="End a token before its time",
            description="A refresh token ends with its whole login. A token that is good no more "
            "is answered in the same way.",
            public=True,
            tag=_TAG,
            status=200,
            consumes=FORM,
            max_body_bytes=2**14,
            problem=ProblemShape(TokenError, _token_error),
            errors={
                400: "invalid_grant: token: not given to this client",
                401: "invalid_client: the client is unknown, or its secret is wrong",
            },
        ),
        Operation(
            method="GET",
            path="/.well-known/jwks.json",
            handler=json_web_keys,
            summary="Public keys of our tokens",
            public=True,
            tag=_TAG,
        ),
        Operation(
            method="GET",
            path="/.well-known/oauth-authorization-server",
            handler=metadata,
            summary="Where programs get tokens, and how",
            public=True,
            tag=_TAG,
        ),
    ]


def people_operations(authorizations: Authorizations, verifier: TokenVerifier) -> list[Operation]:
    """Declare the page on which people agree that a client may act for them."""

    async def authorize_page(call: Call[None, AuthorizationQuery]) -> web.Response:
        try:
            request = AuthorizationRequest.of(call.query.fields)
            client = await authorizations.client_of(request)
        except OAuthError as error:
            raise Refused(error.description) from error
        return web.Response(
            text=_page(client.client_id, call.query),
            content_type="text/html",
            headers=_PAGE_HEADERS,
        )

    async def agree(call: Call[AgreementForm, None]) -> web.Response:
        try:
            principal = await verifier.verify(call.body.token)
        except TokenRefused as error:
            raise HttpRefusal(401, str(error)) from error
        try:
            request = AuthorizationRequest.of(call.body.fields)
            address = await authorizations.authorize(principal, request)
        except OAuthError as error:
            raise Refused(error.description) from error
        return web.Response(status=303, headers={"Location": address, **_NOT_STORED})

    refusals = {400: "client_id: no such client is registered"}
    return [
        Operation(
            method="GET",
            path="/oauth/authorize",
            handler=authorize_page,
            summary="Ask a person whether a client may act for them",
            public=True,
            tag=_TAG,
            produces=("text/html",),
            errors=refusals,
        ),
        Operation(
            method="POST",
            path="/oauth/authorize",
            handler=agree,
            summary="Agree, and go back to the client with a code",
            public=True,
            tag=_TAG,
            consumes=FORM,
            produces=("text/html",),
            also={303: "Back to the client, with a code or with the reason for a refusal."},
            errors={**refusals, 401: "the token has expired"},
        ),
    ]


def _refusal(error: OAuthError) -> HttpRefusal:
    status = 401 if error.error == "invalid_client" else 400
    headers = {"WWW-Authenticate": "Basic"} if status == 401 else {}
    return HttpRefusal(status, str(error), {**headers, **_NOT_STORED})


def _token_error(status: int, words: str) -> dict[str, object]:
    """Shape of RFC 6749, section 5.2."""
    name, colon, description = words.partition(": ")
    if status in (400, 401) and colon and "_" in name and " " not in name:
        return {"error": name, "error_description": description}
    named = "invalid_request" if status < 500 else "temporarily_unavailable"
    return {"error": named, "error_description": words}


def _page(client_id: str, query: AuthorizationQuery) -> str:
    hidden = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(text)}">'
        for name, text in query.fields
    )
    scopes = escape(query.scope or "everything that it is registered with")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>skyscan-lab: agree</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }}
body {{ max-width: 34rem; margin: 10vh auto; padding: 0 1rem }}
input, button {{ font: inherit; padding: .4rem .6rem; width: 100%; box-sizing: border-box;
  margin-top: .4rem }}
code {{ overflow-wrap: anywhere }}
</style>
</head>
<body>
<main>
<h1>May {escape(client_id)} act for you?</h1>
<p>It asks for <code>{scopes}</code>, and goes back to
<code>{escape(query.redirect_uri or "")}</code>.</p>
<form method="post" action="authorize">
{hidden}
<label for="token">Your token (<code>skyscan token</code> prints one)</label>
<input id="token" name="token" type="password" autocomplete="off" required>
<button>Agree</button>
</form>
</main>
</body>
</html>
"""
