"""Truth: sentences that a reader would write, one for each kind of mistake."""

import pytest

from skyscan_lab.client.calls import body_of
from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.rotors import JogRequest, MoveRequest, RotorFields
from skyscan_lab.protocol.skyscan import ScanRequest, SessionNotes
from skyscan_lab.station import Limits


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (MoveRequest, {"azimuth": 10, "elevation": 95}, "elevation = 95: must be less than or eq"),
        (MoveRequest, {"azimuth": "x", "elevation": 5}, "azimuth = 'x': must be a number"),
        (MoveRequest, {"azimuth": 10}, "elevation = None: must be given"),
        (JogRequest, {"azimuth": 2}, "azimuth = 2: must be -1, 0 or 1"),
        (SessionNotes, {"notes": 5}, "notes = 5: must be a string"),
        (SessionNotes, {"notes": None, "x": 1}, "x = 1: must be left out, as there is no such"),
        (ScanRequest, {"rotor_id": 1.5}, "rotor = 1.5: must be an integer"),
        (RotorFields, {"name": ""}, "name = '': must be a string of 1 or more characters"),
        (
            RotorFields,
            {"name": "x", "park_el": 5, "limits": Limits(elevation_deg=(20, 80))},
            "park_el = 5.0: must be within [20, 80], which is limits.elevation_deg",
        ),
    ],
)
def test_a_mistake_is_told_in_a_sentence(model, fields, words):
    with pytest.raises(InvalidInput) as caught:
        body_of(model, {"rotor_id": "rotor"}, **fields)
    assert str(caught.value).startswith(words)


def test_a_value_is_shown_only_as_far_as_somebody_reads_it():
    with pytest.raises(InvalidInput) as caught:
        body_of(SessionNotes, notes="x" * 10_001)
    assert caught.value.value == "x" * 10_001
    assert str(caught.value).endswith("x…: must be a string of at most 10000 characters")
    assert len(str(caught.value)) < 200
    assert len(str(InvalidInput("a", 10**5000, "less"))) < 200
