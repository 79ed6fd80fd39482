"""The socket of a session: where it stands, then each point and change of status, in order."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.protocol.skyscan import NumberedProgress, ScanProgress
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.feeds import Feeds
from skyscan_server.domain.sessions import NO_SESSION
from skyscan_server.web.operations import Call, Channel
from skyscan_server.web.sockets import Socket


class After(BaseModel):
    """From where to go on."""

    model_config = ConfigDict(extra="forbid")

    after: int | None = Field(
        default=None,
        ge=0,
        description="Number of the last record already known, 0 for none. Messages then carry "
        "their numbers, and nothing after it is missed; the first says where the session stood. "
        "A number beyond the last record is taken for that of the last.",
    )


class SkyScanSocket:
    """Socket of the sessions.

    Parameters
    ----------
    feeds : Feeds
        What there is to tell.
    """

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    @property
    def channels(self) -> list[Channel]:
        """The one socket."""
        return [
            Channel(
                path="/ws/skyscan/{session_id}",
                handler=self.follow_scan,
                summary="Follow a scan",
                description="It is closed by the server once the session has ended.",
                scope=Scope.SKYSCAN_READ,
                tag="Sky Scan",
                errors={404: NO_SESSION},
            )
        ]

    async def follow_scan(
        self, call: Call[None, After], socket: Socket[None, ScanProgress | NumberedProgress]
    ) -> None:
        """Tell where the session stands, then everything that comes after."""
        after = call.query.after
        async with self._feeds.subscribe(call.path["session_id"], after) as subscription:
            await socket.open()
            messages = [subscription.state]
            while messages:
                await socket.send_all_encoded(
                    [made.plain if after is None else made.numbered for made in messages]
                )
                messages = await subscription.next()
