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
    "unknown_rotor": Unavailable,
    "unreachable": Unavailable,
    "out_of_limits": Refused,
    "stale_epoch": Conflict,
    "busy": Unavailable,
}


@pytest.mark.parametrize("failure", RpcFailure)
async def test_every_failure_has_its_meaning(hub, failure):
    rotor = await hub.rotor()
    error = in_domain(CallFailed(failure, "what the node said"), rotor)
    assert type(error) is MEANING[failure]
    if type(error) is Unavailable:
        assert str(error).startswith(f"{rotor.name} cannot be reached: ")
    if failure in ("offline", "slow", "unknown_rotor"):
        assert f"its node, {rotor.node}, " in str(error)
    else:
        assert str(error).endswith("what the node said")


async def test_a_node_that_has_yet_to_hear_of_a_rotor_is_asked_again(hub):
    rotor = await hub.rotor()
    found = hub.node.answers["position"]

    async def not_yet(_):
        hub.node.answers["position"] = found
        raise CallFailed(RpcFailure.UNKNOWN_ROTOR, "this node has no such rotor")

    hub.node.answers["position"] = not_yet
    assert await calls.position(hub.node, rotor) == found
    assert len(hub.node.asked("position")) == 2


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
