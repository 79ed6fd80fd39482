"""Truth: the Cramér-Rao bound of the campaign's own readings; the short campaign."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location(
    "efficiency", Path(__file__).parents[1] / "campaigns" / "efficiency.py"
)
campaign = importlib.util.module_from_spec(_SPEC)
sys.modules["efficiency"] = campaign
_SPEC.loader.exec_module(campaign)

# Five root mean squares and five means of 500 draws: what is rarer than one in a hundred.
DRAWS = 500
WEAK = 150
FAR = 3.3


@pytest.mark.campaign
@pytest.mark.parametrize("kind", campaign.KINDS)
def test_errors_are_at_the_bound_and_known(kind):
    result = campaign.judge(campaign.Cell(kind, 0.35, 50.0), DRAWS, seed=5)
    assert result.ratio.max() <= 1.05 + FAR / np.sqrt(2.0 * DRAWS)
    assert result.ratio.min() >= 0.97 - FAR / np.sqrt(2.0 * DRAWS)
    assert np.abs(result.bias).max() < 0.1 + FAR / np.sqrt(DRAWS)
    assert abs(result.held - 0.95) < 0.01 + FAR * np.sqrt(0.05 * 0.95 / DRAWS)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", campaign.KINDS)
def test_weak_sources_are_within_their_profile_likelihood(kind):
    shares = campaign.profiled(campaign.Cell(kind, 0.35, 25.0), WEAK, seed=6)
    assert min(shares.values()) >= 0.93 - FAR * np.sqrt(0.05 * 0.95 / WEAK)


@pytest.mark.campaign
@pytest.mark.parametrize("round_beam", [False, True])
@pytest.mark.parametrize("kind", campaign.KINDS)
def test_every_start_ends_at_the_same_place(kind, round_beam):
    cell = campaign.Cell(kind, 0.35, 100.0)
    assert campaign.converged(cell, 100, seed=7, round_beam=round_beam) == 1.0
