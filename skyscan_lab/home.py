"""Where the lab keeps what is its own on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def lab_folder() -> Path:
    """Folder of the lab's data: SKYSCAN_HOME, or the platform's.

    Hub and node keep their state there, a lab that runs says there how to reach it, and scans
    without a server have their journals there.
    """
    home = os.environ.get("SKYSCAN_HOME")
    return Path(home) if home else platformdirs.user_data_path("skyscan-lab")
