"""What a handler takes and gives, read from its annotations: said once, checked by mypy.

::

    async def pause(call: Call[None, None]) -> ScanReply
    async def start(call: Call[ScanRequest, None]) -> ScanSession
    async def export(call: Call[None, ExportQuery]) -> web.StreamResponse
    async def graph(call: Call[None, None]) -> HardwareGraph | web.Response      # or a 304
    async def watch(call: Call[None, After], socket: Socket[None, ScanProgress]) -> None
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, TypeAdapter


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler takes and gives.

    Attributes
    ----------
    body : TypeAdapter or None
        Of the request's body; None where there is none.
    body_needed : bool
        Whether the body must be there.
    query : type or None
        Model of the query string.
    answer : TypeAdapter or None
        Of what is answered as JSON.
    streams : bool
        Whether the handler may answer with a response of its own making.
    receives, sends : TypeAdapter or None
        Of a socket's messages, each way.
    kinds_received, kinds_sent : tuple of type
        The kinds of messages, each way: the members of a union.
    """

    body: TypeAdapter[Any] | None
    body_needed: bool
    query: type[BaseModel] | None
    answer: TypeAdapter[Any] | None
    streams: bool
    receives: TypeAdapter[Any] | None = None
    sends: TypeAdapter[Any] | None = None
    kinds_received: tuple[Any, ...] = ()
    kinds_sent: tuple[Any, ...] = ()


def signature_of(handler: Callable[..., Any], call: type, socket: type | None = None) -> Signature:
    """Read a handler's annotations.

    Parameters
    ----------
    handler : callable
        A function or bound method; its first parameter is annotated ``Call[Body, Query]``.
    call : type
        The class ``Call``.
    socket : type, optional
        The class ``Socket``, which a second parameter must be of.

    Raises
    ------
    TypeError
        Where an annotation is missing or is another.
    """
    name = getattr(handler, "__qualname__", repr(handler))
    hints = get_type_hints(handler, include_extras=True)
    parameters = list(inspect.signature(handler).parameters)
    wanted = [call] if socket is None else [call, socket]
    if len(parameters) != len(wanted) or "return" not in hints:
        raise TypeError(f"{name}: must take {len(wanted)} parameters and say what it returns")
    given = [hints.get(parameter) for parameter in parameters]
    for hint, origin in zip(given, wanted, strict=True):
        if get_origin(hint) is not origin:
            raise TypeError(f"{name}: {hint}: must be {origin.__name__}[…, …]")
    body, query = get_args(given[0])
    model = _query_model(name, query)
    members = _members(body)
    answer = [kind for kind in _members(hints["return"]) if not _is_response(kind)]
    receives, sends = get_args(given[1]) if socket is not None else (NoneType, NoneType)
    return Signature(
        body=_adapter(body),
        body_needed=NoneType not in members,
        query=model,
        answer=_adapter(reduce(or_, answer)) if answer else None,
        streams=len(answer) < len(_members(hints["return"])),
        receives=_adapter(receives),
        sends=_adapter(sends),
        kinds_received=() if receives is NoneType else _kinds(receives),
        kinds_sent=() if sends is NoneType else _kinds(sends),
    )


def _kinds(message: Any) -> tuple[Any, ...]:
    """Members of a union, also of one that is annotated with its discriminator."""
    return _members(get_args(message)[0] if get_origin(message) is Annotated else message)


def _query_model(name: str, query: Any) -> type[BaseModel] | None:
    if query is NoneType:
        return None
    if isinstance(query, type) and issubclass(query, BaseModel):
        return query
    raise TypeError(f"{name}: query {query}: must be a pydantic model, or None")


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_response(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, web.StreamResponse)


def _adapter(kind: Any) -> TypeAdapter[Any] | None:
    return None if kind is NoneType else TypeAdapter(kind)
