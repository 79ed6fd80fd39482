"""Truth: hamlib's own rotctld, what FACTS says of it, and what it does when it is gone."""

import asyncio
import signal
import time

import pytest

from tests.ports import free_port
from tests.server.public.rotctld import rotctld

pytestmark = [pytest.mark.system, pytest.mark.program("rotctld")]


@pytest.fixture
async def roof(rotor):
    """A rotor of the hub, and the process of the rotctld behind it."""
    port = free_port()
    with rotctld(port) as process:
        async with rotor(name="Roof", port=port, min_elevation=0) as number:
            yield number, process


async def test_it_says_what_it_is_and_where(ask, roof):
    number, _ = roof
    assert await ask("GET", f"/api/rotors/{number}/test") == {
        "connected": True,
        "model": "Dummy rotator",
    }
    where = await ask("GET", f"/api/rotors/{number}/position")
    assert where.keys() == {"azimuth", "elevation", "rotor_name", "timestamp"}
    assert (where["azimuth"], where["elevation"], where["rotor_name"]) == (0.0, 0.0, "Roof")


async def test_it_has_no_receiver(ask, roof):
    number, _ = roof
    said = await ask("POST", "/api/skyscan/start", 400, json={"rotor_id": number})
    assert said == {"detail": "Rotor does not support RSSI"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_once_it_is_gone_everybody_is_told_at_once_and_by_its_name(ask, roof, how, process):
    number, rotctld = roof
    await ask("GET", f"/api/rotors/{number}/position")
    rotctld.send_signal(how)
    requests = [("GET", "position", None)] * 3 + [("POST", "stop", None)]
    if how is signal.SIGKILL:  # to a rotctld that is silent, a move may be under way for a while
        requests += [("POST", "park", None), ("POST", "jog", {"azimuth": 1})]
    begun = time.monotonic()
    told = await asyncio.gather(
        *(
            ask(method, f"/api/rotors/{number}/{what}", (503, 409), json=body)
            for method, what, body in requests
        )
    )
    # The hub gives a node 5 s: what comes sooner, the node has said.
    assert time.monotonic() - begun < 4.5
    for detail in (said["detail"] for said in told[:4]):
        assert detail.startswith("Roof cannot be reached: rotctld 127.0.0.1:")
    assert await ask("GET", f"/api/rotors/{number}/test") == {"connected": False}
    logged = [line for line in process.output.splitlines() if "rotor is not connected" in line]
    assert "rotctld 127.0.0.1:" in logged[-1]


async def test_it_is_stopped_once_it_is_back(ask, roof):
    number, process = roof
    await ask("POST", f"/api/rotors/{number}/move", json={"azimuth": 120, "elevation": 10})
    process.send_signal(signal.SIGSTOP)
    said = await ask("POST", f"/api/rotors/{number}/stop", 503)
    assert "Roof cannot be reached" in said["detail"]
    process.send_signal(signal.SIGCONT)
    async with asyncio.timeout(20):
        before = None
        while True:
            now = (await ask("GET", f"/api/rotors/{number}/position", (200, 503))).get("azimuth")
            if now is not None and now == before:
                break
            before = now
            await asyncio.sleep(0.3)
    assert now < 119
