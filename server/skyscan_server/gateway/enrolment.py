"""The route by which a node turns its one-time code into an id and a secret."""

from __future__ import annotations

import ipaddress
import math

from skyscan_lab.protocol.oauth import Enrolled, EnrolRequest
from skyscan_server.auth.enrolment import Enrolling, EnrolmentRefused
from skyscan_server.gateway.rate_limit import RateLimit
from skyscan_server.web.operations import Call, Operation
from skyscan_server.web.problems import HttpRefusal

_EVERYBODY = ""


class EnrolmentRoute:
    """Route of the enrolment, which anybody may call, and nobody often.

    Parameters
    ----------
    enrolling : Enrolling
        Redeems codes.
    each, all_together : RateLimit, optional
        Attempts of one address, and of all.
    """

    def __init__(
        self,
        enrolling: Enrolling,
        *,
        each: RateLimit | None = None,
        all_together: RateLimit | None = None,
    ) -> None:
        self._enrolling = enrolling
        self._each = each or RateLimit(10, 60.0)
        self._all_together = all_together or RateLimit(300, 60.0)

    @property
    def operations(self) -> list[Operation]:
        """The one route."""
        return [
            Operation(
                method="POST",
                path="/v1/nodes/enrol",
                handler=self.enrol_node,
                summary="Turn a one-time code into an id and a secret",
                public=True,
                tag="Nodes",
                status=201,
                max_body_bytes=2**12,
                errors={403: str(EnrolmentRefused()), 429: _too_often(6.0).words},
            )
        ]

    async def enrol_node(self, call: Call[EnrolRequest, None]) -> Enrolled:
        """Redeem a code."""
        for limit, caller in (
            (self._each, _address(call.request.remote)),
            (self._all_together, _EVERYBODY),
        ):
            wait_s = limit.wait_s(caller)
            if wait_s > 0:
                raise _too_often(wait_s)
        call.answer_headers["Cache-Control"] = "no-store"
        try:
            return await self._enrolling.redeem(call.body.code)
        except EnrolmentRefused as error:
            raise HttpRefusal(403, str(error)) from None


def _too_often(wait_s: float) -> HttpRefusal:
    seconds = str(math.ceil(wait_s))
    return HttpRefusal(429, f"too many attempts: wait {seconds} s", {"Retry-After": seconds})


def _address(remote: str | None) -> str:
    """Caller's address; of IPv6 the network, since a caller has all addresses in it."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return _EVERYBODY
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
