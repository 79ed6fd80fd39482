"""Our emulators answer, byte for byte, what hamlib's own programs answer."""

import asyncio

import pytest

from skyscan_lab.devices.base import Position
from skyscan_lab.devices.emulators.rigctld import RigctldEmulator
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator

# Each is sent on a connection of its own; silence is an answer, too.
ROTCTLD = [
    "p\n",
    "+p\n",
    "+\\get_pos\n",
    "p\np\n",
    "+P 10 20\n",
    "+\\set_pos 10 20\n",
    "P 500 20\n",
    "+P 500 20\n",
    "P 10,5 20\n",
    "P nan 3\n",
    "P ten 20\n",
    "P 10\n",
    "P 10\np\n",
    "+P 10\n20\n",
    "S\n",
    "+S\n",
    "K\n",
    "+K\n",
    "R 1\n",
    "M 16 50\n",
    "M 1 50\n",
    "\\dump_state\n",
    "+\\dump_state\n",
    "garbage\n",
    "+garbage\n",
    "\\garbage\n",
    "+\\garbage\n",
    "z\n",
    "+z\n",
    "\n",
    "D\n",
    "D\n+p\n",
    "+D\n1\n2\n3\n0\n",
    "q\n",
]
RIGCTLD = [
    "l GARBAGE\n",
    "+l GARBAGE\n",
    "f\n",
    "+f\n",
    "F 145000000\n",
    "+F 145000000\n",
    "garbage\n",
    "\\garbage\n",
    "\n",
    "q\n",
]

pytestmark = pytest.mark.system


async def answer(port, text):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    received = b""
    try:
        async with asyncio.timeout(2.0):
            while piece := await reader.read(4096):
                received += piece
            received += b"<hung up>"
    except ConnectionResetError:  # it hung up before it had read all
        received += b"<hung up>"
    except TimeoutError:
        pass
    finally:
        writer.transport.abort()
    return received


async def answers(port, texts):
    return await asyncio.gather(*(answer(port, text) for text in texts))


@pytest.mark.program("rotctld")
async def test_rotctld(peer, linear_rotor):
    linear_rotor.command = lambda *_: None  # it stands still, so that positions can be compared
    linear_rotor.position = lambda: Position(0.0, 0.0)
    moving = ("+P", "P 10", "+\\set", "P nan", "M 16", "K", "+K")
    async with (
        peer("rotctld", "-m", "1", "-T", "127.0.0.1") as hamlib,
        RotctldEmulator(linear_rotor) as ours,
    ):
        # What moves the dummy comes after all that tells where it is.
        for texts in (
            [text for text in ROTCTLD if not text.startswith(moving)],
            [text for text in ROTCTLD if text.startswith(moving)],
        ):
            theirs = await answers(hamlib.port, texts)
            assert dict(zip(texts, await answers(ours.port, texts), strict=True)) == dict(
                zip(texts, theirs, strict=True)
            )


@pytest.mark.program("rigctld")
async def test_rigctld(peer, counting_receiver):
    async with (
        peer("rigctld", "-m", "1", "-T", "127.0.0.1") as hamlib,
        RigctldEmulator(counting_receiver) as ours,
    ):
        theirs = await answers(hamlib.port, RIGCTLD)
        assert dict(zip(RIGCTLD, await answers(ours.port, RIGCTLD), strict=True)) == dict(
            zip(RIGCTLD, theirs, strict=True)
        )
