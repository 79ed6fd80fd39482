"""Runs the published server of the dialect with RSSI, with its own simulated dish behind it.

    python birdcage_server.py PORT

Everything that answers is winegard-birdcage's: the server,
the console protocol and the dish. Only the serial line between the last two is ours.
"""

import sys

from birdcage.antenna import AntennaConfig, BirdcageAntenna
from birdcage.demo import DemoDevice
from birdcage.protocol import CarryoutG2Protocol
from birdcage.rotctld import RotctldServer


class Line:
    """A serial line to a dish in the same process, which answers at once."""

    is_open = True

    def __init__(self, dish: DemoDevice) -> None:
        self._dish = dish
        self._answer = b""

    def write(self, data: bytes) -> None:
        line = data.decode("ascii").rstrip("\r")
        # A bare carriage return repeats the prompt; the simulated dish knows lines only.
        prompt = f"{self._dish._menu.name.replace('ROOT', 'TRK')}>"
        self._answer = (self._dish.send_raw(line) if line else prompt).encode("ascii")

    def read(self, count: int) -> bytes:
        data, self._answer = self._answer[:count], self._answer[count:]
        return data


def main(port: int) -> None:
    dish = DemoDevice()
    dish.connect()
    dish.get_position()  # starts its motion clock
    protocol = CarryoutG2Protocol()
    protocol._serial = Line(dish)
    protocol.initialize()
    # Its overshoot for tracking satellites would leave a dish that is sent to a point beside it.
    antenna = BirdcageAntenna(protocol, AntennaConfig(leapfrog_enabled=False))
    RotctldServer(antenna, port=port).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
