"""What the parts of a client have in common: the way to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from skyscan_lab.client.link import Link
from skyscan_lab.errors import InvalidTransition
from skyscan_lab.protocol.wrong_input import invalid_input

Body = TypeVar("Body", bound=BaseModel)


class Calls:
    """Base of the parts of a client, which share its way to the server."""

    _opened: Link | None = None

    @property
    def _link(self) -> Link:
        if self._opened is None:
            raise InvalidTransition(
                "this client is not open: async with SkyScanClient(…) as client"
            )
        return self._opened


def body_of(model: Callable[..., Body], names: dict[str, str] | None = None, **fields: Any) -> Body:
    """Body of a request, with what is wrong in our own words.

    Parameters
    ----------
    model : type
        What it is.
    names : dict, optional
        Fields that our caller knows by other names.
    **fields
        Its fields.

    Raises
    ------
    InvalidInput
        Naming the field, its value and what is allowed.

    Examples
    --------
    >>> from skyscan_lab.protocol.rotors import MoveRequest
    >>> body_of(MoveRequest, azimuth=10, elevation=95)
    Traceback (most recent call last):
    skyscan_lab.errors.InvalidInput: elevation = 95: must be less than or equal to 90
    """
    try:
        return model(**fields)
    except ValidationError as error:
        raise invalid_input(error, names) from None
