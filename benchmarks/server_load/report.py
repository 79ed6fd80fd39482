"""What a benchmark prints: one object a claim."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any


def at_most(text: str, ours: float, allowed: float) -> dict[str, Any]:
    """Claim that our side stays within what is allowed, which stands in the peer's place."""
    return _claim(text, ours, allowed, ours / allowed, 1.0, holds=ours <= allowed)


def at_least(text: str, ours: float, asked: float) -> dict[str, Any]:
    """Claim that our side does as much as is asked for, which stands in the peer's place."""
    return _claim(text, ours, asked, ours / asked, 1.0, holds=ours >= asked)


def times_less(text: str, ours: float, peer: float, times: float) -> dict[str, Any]:
    """Claim that the peer takes so many times what our side takes."""
    return _claim(text, ours, peer, peer / ours, times, holds=peer >= times * ours)


def _claim(
    text: str, ours: float, peer: float, ratio: float, target: float, *, holds: bool
) -> dict[str, Any]:
    return {
        "claim": text,
        "ours": round(ours, 4),
        "peer": round(peer, 4),
        "ratio": round(ratio, 4),
        "target": target,
        "holds": holds,
    }


def options(doc: str | None) -> argparse.Namespace:
    """Options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller, under 40 s")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    return parser.parse_args()


def finish(claims: Sequence[dict[str, Any]], *, only_json: bool) -> None:
    """Print the claims, and end with 1 where one does not hold."""
    if not only_json:
        for line in claims:
            verdict = "holds" if line["holds"] else "DOES NOT HOLD"
            print(f"{line['claim']}\n  {line['ours']} beside {line['peer']}: {verdict}")
    print(json.dumps(claims, ensure_ascii=False))
    sys.exit(0 if all(line["holds"] for line in claims) else 1)
