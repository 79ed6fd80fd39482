"""Truth: the one shape, ``field = value: must be what is allowed``, for whatever is sent.

That JSON is JSON is told by the standard library, which is asked to be strict.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, field_validator
from pydantic.alias_generators import to_camel

from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.plans import ScanPlan, make_plan
from skyscan_server.web.bodies import parse_json
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.validation import in_words, shown, unusable_words
from tests.server.web.sample import Aim, Question


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int = Field(default=1, gt=0)
    ratio: float = 1.0


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int
    part: Part = Part()
    parts: list[Part] = Field(default=[], max_length=2)
    name: str = Field(default="x", min_length=1, max_length=5, pattern="^[a-z]+$")
    on: bool = True
    mode: Literal["a", "b"] = "a"
    at: datetime | None = None
    since: AwareDatetime | None = None
    even: int = 2

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise InvalidInput("even", value, "a multiple of 2")
        return value


WHOLE = TypeAdapter(Whole)


def refusal(adapter, raw):
    with pytest.raises(HttpRefusal) as caught:
        parse_json(adapter, raw)
    assert caught.value.status == 422
    return caught.value.words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "count: must be given"),
        ({"count": "x"}, 'count = "x": must be an integer'),
        ({"count": 1.5}, "count = 1.5: must be an integer"),
        ({"count": True}, "count = true: must be an integer"),
        ({"count": "5"}, 'count = "5": must be an integer'),
        ({"count": 5.0, "on": 1}, "on = 1: must be true or false"),
        ({"count": 1, "part": {"ratio": True}}, "part.ratio = true: must be a number"),
        ({"count": 1, "name": 5}, "name = 5: must be a string"),
        ({"count": None}, "count = null: must be an integer"),
        ({"count": 1, "odd": 3}, "odd = 3: must be left out, as there is no such field"),
        ({"count": 1, "part": {"depth": 0}}, "part.depth = 0: must be greater than 0"),
        ({"count": 1, "part": []}, "part = []: must be a JSON object"),
        ({"count": 1, "parts": [{"ratio": "y"}]}, 'parts.0.ratio = "y": must be a number'),
        ({"count": 1, "parts": [{}, {}, {}]}, "parts = [{}, {}, {}]: must be at most 2 of them"),
        ({"count": 1, "parts": 3}, "parts = 3: must be a list"),
        ({"count": 1, "name": ""}, 'name = "": must be a string of 1 or more characters'),
        ({"count": 1, "name": "abcdef"}, 'name = "abcdef": must be a string of at most 5 char'),
        ({"count": 1, "name": "ABC"}, 'name = "ABC": must be a string that matches ^[a-z]+$'),
        ({"count": 1, "name": 3}, "name = 3: must be a string"),
        ({"count": 1, "on": "perhaps"}, 'on = "perhaps": must be true or false'),
        ({"count": 1, "mode": "c"}, 'mode = "c": must be "a" or "b"'),
        ({"count": 1, "at": "noon"}, 'at = "noon": must be a time in ISO 8601'),
        ({"count": 1, "since": "2026-02-14T12:00:00"}, "must be a time with its zone"),
        ({"count": 1, "even": 3}, "even = 3: must be a multiple of 2"),
        ({"count": 2**63}, f"count = {2**63}: must be an integer within [-9223372036854775808"),
        ({"count": -(2**63) - 1}, "must be an integer within"),
        ([], "body = []: must be a JSON object"),
        (3, "body = 3: must be a JSON object"),
    ],
)
def test_each_mistake_has_its_words(body, words):
    assert words in refusal(WHOLE, json.dumps(body))


def test_types_are_those_of_json_schema():
    whole = parse_json(WHOLE, '{"count": 5.0, "part": {"ratio": 2, "depth": 3.0}}')
    assert (whole.count, whole.part.ratio, whole.part.depth) == (5, 2.0, 3)
    assert type(whole.count) is int


class Named(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    slew_rate: float = 0.0
    grid: ScanGrid = ScanGrid()
    by_number: dict[int, float] = {}
    either: int | str = 0
    when: datetime | None = None
    jog: Literal[-1, 0, 1] = 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"slewRate": True}, "slewRate = true: must be a number"),
        ({"slew_rate": "1"}, 'slew_rate = "1": must be a number'),
        ({"grid": {"step": True}}, "grid.step = true: must be a number"),
        ({"grid": {"az": [0, "90"]}}, 'grid.az.1 = "90": must be a number'),
        ({"when": 0}, "when = 0: must be a time in ISO 8601"),
        ({"jog": True}, "jog = true: must be"),
        ({"grid": {"az": [0, 90], "step": 5, "size": "x"}}, None),
        ({"byNumber": {"1": 2}, "either": "x", "when": "2026-02-14T12:00:00", "jog": -1}, None),
        ({"slewRate": 1, "either": 5, "when": None, "other": True}, None),
    ],
)
def test_kinds_are_kept_wherever_they_are(body, words):
    value, found = outcome(TypeAdapter(Named), json.dumps(body))
    assert (found is None) if words is None else found.startswith(words), value


def test_several_mistakes_are_told_at_once_and_not_without_end():
    words = refusal(WHOLE, '{"count": "x", "on": 5, "mode": 1}')
    assert words.split("; ") == [
        'count = "x": must be an integer',
        "on = 5: must be true or false",
        'mode = 1: must be "a" or "b"',
    ]
    many = refusal(TypeAdapter(list[int]), json.dumps(["x"] * 500))
    assert many.endswith('; 9 = "x": must be an integer; and 490 more')


def test_a_union_names_its_discriminator():
    adapter = TypeAdapter(Question)
    assert refusal(adapter, "{}") == "kind: must be given"
    assert refusal(adapter, '{"kind": "x"}') == 'kind = "x": must be one of "ask", "stop"'
    assert refusal(adapter, '{"kind": "ask"}') == "words: must be given"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "{'count': 1}",
        '{"count": 1,}',
        '{"count": 01}',
        '{"count": 1} x',
        '\ufeff{"count": 1}',
        b'{"count": 1, "name": "\xff"}',
        '{"count": 1, "name": "\\ud800"}',
        "[" * 100_000,
        '{"count": NaN}',
        '{"count": 1, "part": {"ratio": NaN}}',
        '{"count": 1, "part": {"ratio": -Infinity}}',
        '{"count": 1, "part": {"ratio": 1e999}}',
        '{"count": ' + "9" * 5000 + "}",
        '{"count": 1, "part": {"ratio": ' + "9" * 5000 + "}}",
    ],
)
def test_what_is_no_json_is_refused_in_words(raw):
    assert re.match(r"^[a-z.]+( = .*)?: must be ", refusal(WHOLE, raw), re.DOTALL)


class Loose(BaseModel):
    """As the specification's requests: what it does not know is passed over."""

    ratio: float = 0.0


def test_nan_is_refused_where_no_field_sees_it_and_taken_inside_text():
    adapter = TypeAdapter(Loose)
    assert "must be JSON" in refusal(adapter, '{"other": NaN}')
    assert "must be JSON" in refusal(adapter, '{"other": [Infinity]}')
    assert "must be JSON" in refusal(adapter, b'{"other": -Infinity}')
    assert parse_json(adapter, '{"other": "NaN, Infinity"}').ratio == 0.0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Part(depth=2**63), "depth = 9223372036854775808: must be an integer within"),
        (Part(ratio=math.nan), "ratio = NaN: must be a finite number"),
        ([1.0, {"a": -math.inf}], "1.a = -Infinity: must be a finite number"),
        ({"a\x00": 1}, 'a name = "a\\u0000": must be text without the character NUL'),
        ({"a": ("b", "c\x00")}, 'a.1 = "c\\u0000": must be text without the character NUL'),
        (math.inf, "query = Infinity: must be a finite number"),
        (Whole(count=1), None),
        (ScanGrid(), None),
        ([True, None, b"\x00", {1: 2}], None),
    ],
)
def test_values_that_nothing_can_take_are_found_wherever_they_are(value, words):
    found = unusable_words(value, "query")
    assert found is None if words is None else words in found


def test_what_is_shown_is_short():
    assert len(shown("x" * 1000)) == 100
    assert len(shown({"a": ["b"] * 1000})) == 100
    assert shown(10**10_000) == "a value that cannot be shown"
    assert len(in_words("a", b"x" * 1000, "y")) < 120


def test_a_grid_and_a_plan_are_refused_in_the_same_words():
    for call in (lambda: ScanGrid(step=0), lambda: make_plan(ScanGrid(), reads=0)):
        with pytest.raises(InvalidInput) as caught:
            call()
        error = caught.value
        assert str(error) == in_words(error.field, error.value, error.allowed)
    plan = TypeAdapter(ScanPlan)
    assert "grid.step = 0.0: must be" in refusal(plan, '{"session": "x", "grid": {"step": 0}}')
    with pytest.raises(InvalidInput) as caught:
        make_plan(ScanGrid(), reads=0)
    assert str(caught.value) == refusal(plan, '{"session": "x", "grid": {}, "reads": 0}')


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["now", "9" * 25, "1e999", "NaN", "\x00", "2026-02-14T12:00:00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
aim_like = st.dictionaries(
    st.sampled_from([*Aim.model_fields, "other"]), anything, max_size=len(Aim.model_fields) + 1
)
AIM = TypeAdapter(Aim)
_ONE = r"[^\n]*?(: must be [^\n]+|: must be given)"


@given(anything | aim_like)
def test_whatever_is_sent_is_taken_whole_or_refused_in_the_one_shape(value):
    raw = json.dumps(value)
    taken, words = outcome(AIM, raw)
    if words is None:
        json.loads(raw, parse_constant=pytest.fail)
        assert unusable_words(taken) is None
        AIM.dump_json(taken)
    else:
        assert re.match(_ONE, words.replace("\n", " "))
        assert len(words) < 10 * 500


@given(st.text())
def test_whatever_text_is_sent_is_json_or_refused(text):
    _, words = outcome(TypeAdapter(Annotated[object, Field()]), text)
    if words is None:
        json.loads(text, parse_constant=pytest.fail)
    else:
        assert ": must be" in words


def outcome(adapter, raw):
    try:
        return parse_json(adapter, raw), None
    except HttpRefusal as refused:
        return None, refused.words
