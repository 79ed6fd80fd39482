"""Truth: what was sent, which the words of a refusal must repeat: its field, its value as JSON."""

import json
import re

import pytest

pytestmark = pytest.mark.system

ROTORS, START = ("POST", "/api/rotors"), ("POST", "/api/skyscan/start")
LIMITS = {"azimuth_deg": [0, 360], "elevation_deg": [20, 80]}


@pytest.mark.parametrize(
    ("route", "body", "field", "allowed"),
    [
        (START, {"rotor_id": None}, "rotor_id", "an integer"),
        (START, {"rotor_id": True}, "rotor_id", "an integer"),
        (START, {"rotor_id": "1"}, "rotor_id", "an integer"),
        (START, {"rotor_id": 1, "el_start": -91}, "el_start", "within [-90°, 90°]"),
        (START, {"rotor_id": 1, "el_start": 50, "el_end": 20}, "el_end", "at least el_start (50"),
        (START, {"rotor_id": 1, "step_deg": 0.01}, "step_deg", "wider, or the bounds narrower"),
        (START, {"rotor_id": 1, "az_start": 900}, "az_start", "within [-360°, 720°]"),
        (START, {"rotor_id": 1, "rssi_iterations": 0}, "rssi_iterations", "greater than or equal"),
        (START, {"rotor_id": 1, "order": "spiral"}, "order", '"raster" or "serpentine"'),
        (START, {"rotor_id": 1, "clip": None}, "clip", "true or false"),
        (START, {"rotor_id": 1, "notes": "x" * 10_001}, "notes", "a string of at most 10000"),
        (ROTORS, {"name": "x", "park_el": 5, "limits": LIMITS}, "park_el", "within [20, 80]"),
        (ROTORS, {"name": "x", "park_az": -5, "limits": LIMITS}, "park_az", "within [0, 360]"),
        (ROTORS, {"name": "x", "min_elevation": 85, "limits": LIMITS}, "min_elevation", "below 80"),
        (ROTORS, {"name": "x", "limits": {"el_min": 5}}, "limits.el_min", "left out"),
        (
            ROTORS,
            {"name": "x", "limits": {"elevation_deg": [80, 20]}},
            "limits.elevation_deg",
            "the lower limit and then the upper",
        ),
        (
            ROTORS,
            {"name": "x", "limits": {"elevation_deg": [0, True]}},
            "limits.elevation_deg.1",
            "a number",
        ),
        (
            ROTORS,
            {"name": "x", "receiver": {"driver": "rtl_tcp", "frequency_hz": 0}},
            "receiver.frequency_hz",
            "greater than 0",
        ),
        (
            ROTORS,
            {"name": "x", "receiver": {"driver": "simulated"}},
            "receiver.driver",
            "that of a real one",
        ),
        (ROTORS, {"name": "x", "receiver": {"driver": "ear"}}, "receiver.driver", "one of "),
        (ROTORS, {"name": "x", "driver": "yaesu"}, "driver", '"rotctld", "winegard" or "sim'),
        (ROTORS, {"name": "x", "colour": None}, "colour", "left out, as there is no such field"),
        (ROTORS, {"name": "x", "node": "nobody's"}, "node", "a node that has registered"),
    ],
)
async def test_a_refusal_names_the_field_and_its_value_as_they_were_sent(
    ask, route, body, field, allowed
):
    detail = (await ask(*route, 422, json=body))["detail"]
    named, value, wanted = re.fullmatch(r"(.*?) = (.*): must be (.*)", detail, re.DOTALL).groups()
    assert named == field
    sent = body
    for part in field.split("."):
        sent = sent[int(part) if isinstance(sent, list) else part]
    if len(json.dumps(sent)) > 100:
        assert value == json.dumps(sent)[:99] + "…"
    else:
        assert json.loads(value) == sent
    assert wanted.startswith(allowed)


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (rb'{"notes": "\ud800"}', r'notes = "\ud800": must be text of valid Unicode'),
        (rb'{"notes": "a\u0000"}', r'notes = "a\u0000": must be text without the character NUL'),
        (b"{}", "notes: must be given"),
        (b"[]", "body = []: must be a JSON object"),
    ],
)
async def test_notes_that_are_no_text(ask, session_id, raw, detail):
    said = await ask(
        "PATCH",
        f"/api/skyscan/{session_id}",
        422,
        data=raw,
        headers={"Content-Type": "application/json"},
    )
    assert said["detail"] == detail


async def test_a_field_that_is_missing_inside_another(ask):
    said = await ask(
        "POST", "/api/rotors", 422, json={"name": "x", "receiver": {"driver": "rtl_tcp"}}
    )
    assert said["detail"] == "receiver.frequency_hz: must be given"


async def test_limits_far_from_zero_need_no_park_position(ask, rotor):
    limits = {"azimuth_deg": [90, 270], "elevation_deg": [-30, -10]}
    async with rotor(name="Below", limits=limits) as number:
        made = await ask("GET", f"/api/rotors/{number}")
    assert (made["park_az"], made["park_el"], made["min_elevation"]) == (90, -10, -30)
