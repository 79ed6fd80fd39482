"""The answer to one call at a node: any number of chunks, then a result or a failure."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from skyscan_lab.protocol.rpc import RESULTS, RpcFailure
from skyscan_server.domain.calls import CallFailed

MOST_CHUNKS = 64
"""Chunks that wait for who reads them; more than that, and the call has failed."""


class Reply:
    """An answer that is coming in; iterating it gives its chunks.

    Parameters
    ----------
    method : str
        What was called, which says what the result is.
    node : str
        Which node was called, for the words of failures.
    most_chunks : int
        Chunks that may wait; with 0 they are passed over.

    Attributes
    ----------
    answered : bool
        Whether the node has said its last word, so that there is nothing to cancel.
    """

    def __init__(self, method: str, node: str, *, most_chunks: int = MOST_CHUNKS) -> None:
        self._method = method
        self._node = node
        self._most_chunks = most_chunks
        self._chunks: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._value: BaseModel | None = None
        self._failure: CallFailed | None = None
        self.answered = False

    @property
    def ended(self) -> bool:
        """Whether there is a result or a failure."""
        return self._value is not None or self._failure is not None

    def chunk(self, value: dict[str, Any]) -> None:
        """Take a chunk."""
        if self.ended or not self._most_chunks:
            return
        if len(self._chunks) == self._most_chunks:
            words = f"more than {self._most_chunks} parts of an answer wait to be read"
            self.fail(CallFailed(RpcFailure.BUSY, words))
            return
        self._chunks.append(value)
        self._news.set()

    def finish(self, value: dict[str, Any]) -> None:
        """Take the result."""
        self.answered = True
        if self.ended:
            return
        kind = RESULTS[self._method]
        try:
            self._value = kind.model_validate(value)
        except ValidationError:
            words = f"node {self._node} answered {self._method} with what is no {kind.__name__}"
            self.fail(CallFailed(RpcFailure.REFUSED, words))
        self._news.set()

    def refuse(self, failure: CallFailed) -> None:
        """Take the failure that the node answered."""
        self.answered = True
        self.fail(failure)

    def fail(self, failure: CallFailed) -> None:
        """Let the call have failed, whatever the node may still answer."""
        if not self.ended:
            self._failure = failure
            self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        """Return the next chunk; there is none once the result has come.

        Raises
        ------
        CallFailed
            Where the call came to nothing; after the chunks that came before.
        """
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._value is not None:
                raise StopAsyncIteration
            await self._wait()
        return self._chunks.popleft()

    async def result(self) -> BaseModel:
        """Return the result.

        Raises
        ------
        CallFailed
            Where the call came to nothing.
        """
        while True:
            if self._failure is not None:
                raise self._failure
            if self._value is not None:
                return self._value
            await self._wait()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()
