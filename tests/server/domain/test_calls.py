"""Truth: every failure that a call can have, and what DESIGN and the error tree make of it."""

import pytest

from skyscan_lab.protocol.rpc import Done, RpcFailure
from skyscan_server.domain import calls
from skyscan_server.domain.calls import CallFailed, in_domain
from skyscan_server.domain.errors import Conflict, NotFound, Refused, Unavailable, Upstream

MEANING = {
    "unknown_node": NotFound,
    "offline": Unavailable,
    "slow": Unavailable,
    "refused": Upstream,
    "cancelled": Conflict,
    "unknown_rotor": NotFound,
    "unreachable": Unavailable,
    "out_of_limits": Refused,
    "stale_epoch": Conflict,
    "busy": Unavailable,
}


@pytest.mark.parametrize("failure", RpcFailure)
def test_every_failure_has_its_meaning(failure):
    error = in_domain(CallFailed(failure, "what the node said"))
    assert type(error) is MEANING[failure]
    assert str(error) == "what the node said"


async def test_an_answer_of_another_kind_is_the_node_s_fault(hub):
    rotor = await hub.rotor()
    for method, ask in (
        ("position", calls.position(hub.node, rotor)),
        ("probe", calls.probe(hub.node, rotor)),
        ("move", calls.move(hub.node, rotor, 1.0, 2.0, 3)),
    ):
        hub.node.answers[method] = Done()
        with pytest.raises(Upstream, match="the node answered Done, expected"):
            await ask
