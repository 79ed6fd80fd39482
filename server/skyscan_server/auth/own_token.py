"""One token of our own beside those of an outside issuer: with it the lab finds itself."""

from __future__ import annotations

from hmac import compare_digest

from skyscan_server.auth.issuer import AccessToken
from skyscan_server.auth.principal import Principal, TokenVerifier


class OwnToken:
    """A `TokenVerifier` that takes one token of ours, and otherwise those of somebody else.

    That token is known letter by letter. So nothing is believed that a token says of its issuer,
    and no other of ours comes in, whatever else may have been signed with our key.

    Parameters
    ----------
    own : AccessToken
        The one.
    ours, others : TokenVerifier
        Verify it, and all the others.
    """

    def __init__(self, own: AccessToken, ours: TokenVerifier, others: TokenVerifier) -> None:
        self._own = own
        self._ours = ours
        self._others = others

    async def verify(self, token: str) -> Principal:
        """Verify a token; raises as `TokenVerifier.verify`."""
        is_own = compare_digest(_bytes(token), _bytes(self._own.token))
        return await (self._ours if is_own else self._others).verify(token)

    async def still_good(self, principal: Principal) -> bool:
        """Whether a verified principal's token has neither expired nor been revoked since."""
        is_own = principal.token_id == self._own.token_id
        return await (self._ours if is_own else self._others).still_good(principal)


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")  # whatever bytes came in a header
