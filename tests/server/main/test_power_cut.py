"""Truth: what was told before the power was cut; the short version of a campaign."""

import pytest

from tests.campaigns import power_cut

pytestmark = [pytest.mark.campaign, pytest.mark.system, pytest.mark.program("strace")]


@pytest.mark.timeout(300)
async def test_the_power_is_cut_at_every_fsync_and_nothing_is_lost(tmp_path):
    sweep = power_cut.Sweep(columns=3, rows=3)
    result = await power_cut.campaign(tmp_path, seed=1, sweep=sweep, again=3)
    assert result["cuts at a sync of the node"] > len(sweep.places)
    assert result["disks made anew"] > result["cuts at a sync of the node"]
    assert result["scans gone on with"] == 3
    assert power_cut.passed(result), result
