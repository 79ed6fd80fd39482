"""Truth: the tree drawn at the top of client/errors.py, against the classes below it."""

import inspect
import pickle
import re

import pytest

from skyscan_lab import client
from skyscan_lab.client import errors
from skyscan_lab.client.errors import api_error
from skyscan_lab.errors import SkyscanError

CLASSES = {
    name: member
    for name, member in inspect.getmembers(errors, inspect.isclass)
    if member.__module__ == errors.__name__
}
STATUSES = [400, 401, 403, 404, 409, 422, 502, 503]


def test_the_tree_is_the_classes():
    drawn = {
        name: (also, status)
        for name, also, status in re.findall(
            r"[├└]── (\w+)(?: \((\w+)\))? +(\d+)?", inspect.getdoc(errors)
        )
    }
    assert drawn.keys() == CLASSES.keys()
    for name, (also, status) in drawn.items():
        assert issubclass(CLASSES[name], SkyscanError)
        assert issubclass(CLASSES[name], ValueError) == (also == "ValueError")
        if status:
            assert type(api_error(int(status), "words")) is CLASSES[name]


def test_the_package_offers_all_of_them():
    assert set(client.__all__) == set(CLASSES)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_own(status):
    error = api_error(status, "words of the server")
    assert type(error) is not errors.ApiError
    assert (error.status, error.detail) == (status, "words of the server")
    assert str(error).startswith("words of the server")


def test_any_other_status_is_an_api_error():
    assert type(api_error(418, "a teapot")) is errors.ApiError


SAMPLES = [
    (errors.NotFound(404, "Rotor not found"), "Rotor not found"),
    (errors.Unauthorized(401, "no token"), "no token: give a token, or set SKYSCAN_TOKEN"),
    (
        errors.ServerUnreachable("http://hub", "connection refused", "start it"),
        "http://hub cannot be reached (connection refused): start it",
    ),
    (
        errors.OutcomeUnknown("http://hub", "no answer in time", "look"),
        "http://hub did not answer (no answer in time), so this may have been done or not: look",
    ),
    (errors.UnexpectedAnswer("http://hub", "no JSON"), "http://hub: no JSON"),
]


@pytest.mark.parametrize(("error", "message"), SAMPLES)
def test_errors_say_what_to_do_and_survive_another_process(error, message):
    assert str(error).startswith(message)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
