"""Truth: the modules of a fresh interpreter, which says what a start waits for."""

import subprocess
import sys

import pytest

HEAVY = {"astropy", "h5netcdf", "h5py", "matplotlib", "numba", "pandas", "scipy", "xarray"}


@pytest.mark.parametrize(
    "module",
    [
        "skyscan_lab.cli.main",
        "skyscan_lab.client.lab",
        "skyscan_lab.client.skyscan",
        "skyscan_lab.devices.factory",
        "skyscan_lab.scanning",
        "skyscan_server.jupyter",
        "skyscan_server.main.lab",
        "skyscan_server.main.node",
        "skyscan_server.main.serve",
        "skyscan_server.main.token",
    ],
)
def test_a_start_waits_for_nothing_that_only_some_work_needs(module):
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not HEAVY & loaded
