"""``skyscan`` with everything imported beforehand: it begins at a line on its input.

python prepared_hub.py serve --data DIR …
"""

from __future__ import annotations

import sys

import skyscan_server.main.serve  # noqa: F401 -- that is what takes the time
from skyscan_lab.cli.main import main

if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    main()
