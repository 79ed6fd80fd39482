"""Every station.toml in docs/how-to/hardware.md describes a station that the drivers accept."""

import re
from pathlib import Path

import pytest

from skyscan_lab.devices.factory import drivers_of
from skyscan_lab.station import load_station

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "hardware.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_there_is_an_example_for_each_driver() -> None:
    drivers = set(re.findall(r'driver = "(\w+)"', "".join(EXAMPLES)))
    assert drivers == {"rotctld", "winegard", "simulated", "rotor", "rigctld", "rtl_tcp"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_makes_drivers(example: str, tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    file.write_text(example, encoding="utf-8")
    devices = drivers_of(load_station(file))
    assert devices.rotor.limits.elevation_deg[0] >= 0.0
