"""What talks to a hub, from a notebook, a script or the command line."""

from skyscan_lab.client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    Refused,
    ServerUnreachable,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Upstream,
)

# The client itself is not loaded here: the server, too, reads its own files with this package.
__all__ = [
    "ApiError",
    "Conflict",
    "Forbidden",
    "InvalidRequest",
    "NotFound",
    "OutcomeUnknown",
    "Refused",
    "ServerUnreachable",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "Upstream",
]
