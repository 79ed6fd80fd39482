"""How programs come by tokens: answers of the token endpoint, and the enrolment of a node."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Reply(BaseModel):
    # A newer hub may say more than we know. Secrets are in no representation.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class TokenReply(_Reply):
    """Answer of ``POST /oauth/token``.

    ``refresh_token`` comes only with the login of a person. It is good once: each answer
    brings the next.
    """

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"] = Field(default="Bearer")
    expires_in: int = Field(ge=0)
    scope: str
    refresh_token: str | None = Field(default=None, repr=False)


class TokenError(_Reply):
    """Answer of ``POST /oauth/token`` and ``/oauth/revoke`` to what is refused: RFC 6749."""

    error: str
    error_description: str = ""


class EnrolRequest(BaseModel):
    """What a node sends once, to become the node of an installation."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    code: str = Field(min_length=1, max_length=100, repr=False)


class Enrolled(_Reply):
    """What the node gets for its code, and keeps: with it, it asks for its tokens."""

    installation: str
    client_id: str
    client_secret: str = Field(repr=False)
