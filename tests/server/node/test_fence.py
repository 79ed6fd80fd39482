"""Truth: an order of an epoch below one that was ever seen reaches no motor, also after a crash."""

import json

import pytest

from skyscan_lab.errors import DeviceError
from skyscan_server.node import NodeError
from skyscan_server.node.fence import Fence, StaleEpoch


async def test_lower_epochs_are_refused(tmp_path):
    fence = Fence(tmp_path / "fence.json")
    await fence.admit("roof", 3)
    await fence.admit("roof", 3)
    await fence.admit("other", 1)
    with pytest.raises(StaleEpoch, match=r"roof: .* claim 2 has ended, claim 3 holds"):
        await fence.admit("roof", 2)
    with pytest.raises(StaleEpoch):
        fence.check("roof", 2)


async def test_epochs_are_on_disk_before_they_count(tmp_path):
    path = tmp_path / "fence.json"
    await Fence(path).admit("roof", 7)
    assert json.loads(path.read_bytes()) == {"roof": 7}
    again = Fence(path)
    with pytest.raises(StaleEpoch):
        await again.admit("roof", 6)


async def test_a_disk_that_takes_nothing_lets_nothing_new_move(tmp_path):
    path = tmp_path / "fence.json"
    fence = Fence(path)
    await fence.admit("roof", 3)
    (tmp_path / "fence.json").unlink()
    tmp_path.chmod(0o500)
    blocked = Fence(tmp_path / "missing" / "fence.json")
    try:
        await fence.admit("roof", 3)  # known already
        with pytest.raises(DeviceError, match=r"roof: not moved: .*fence.json: No such file"):
            await blocked.admit("roof", 4)
        await blocked.see("roof", 5)  # told by the hub: it counts at once
        with pytest.raises(StaleEpoch):
            blocked.check("roof", 4)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("text", ["", "[1]", '{"roof": "x"}', '{"roof": 7'])
async def test_what_was_known_is_not_forgotten_by_a_damaged_file(tmp_path, text):
    path = tmp_path / "fence.json"
    path.write_text(text)
    with pytest.raises(NodeError, match="damaged"):
        Fence(path)
