"""Truth: the tree drawn at the top of errors.py, against the classes below it."""

import inspect
import pickle
import re

import pytest

from skyscan_lab import errors

CLASSES = {
    name: member
    for name, member in inspect.getmembers(errors, inspect.isclass)
    if member.__module__ == errors.__name__
}


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """Name → (parent in the tree, second base in brackets)."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    branch: list[tuple[int, str]] = []
    for line in inspect.getdoc(errors).splitlines():
        match = re.match(r"^( {4}[ │├└─]*)([A-Z]\w+)(?: \((\w+)\))?(?: {2,}|$)", line)
        if match:
            depth = len(match[1])
            branch = [(level, name) for level, name in branch if level < depth]
            tree[match[2]] = (branch[-1][1] if branch else None, match[3])
            branch.append((depth, match[2]))
    return tree


def test_the_tree_is_the_classes() -> None:
    tree = drawn()
    assert set(tree) == set(CLASSES)
    for name, (parent, also) in tree.items():
        bases = [base.__name__ for base in CLASSES[name].__bases__]
        assert bases == ([base for base in (parent, also) if base] or ["Exception"])


SAMPLES = [
    (errors.InvalidInput("step", 0, "greater than 0°"), "step = 0: must be greater than 0°"),
    (errors.FileError("a.txt", "too short"), "a.txt: too short"),
    (errors.FileError("a.txt", "too short", 7), "a.txt, line 7: too short"),
    (errors.DeviceTimeout("rotor", "no answer"), "rotor: no answer"),
    (errors.DeviceRefused("rotor", "limit", -21), "rotor: limit"),
]


@pytest.mark.parametrize(("error", "message"), SAMPLES)
def test_errors_say_where_and_what_and_survive_another_process(error, message) -> None:
    assert str(error) == message
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is type(error)
    assert str(again) == message
    assert vars(again) == vars(error)
