"""Truth: JSON as written by hand, as the file of a lab has it."""

import json
import subprocess
import sys

import pytest

from skyscan_lab.client.private_file import write_private
from skyscan_lab.client.runtime import RUNTIME_FILE, Runtime, read_runtime
from skyscan_lab.errors import FileError

LAB = {
    "url": "http://127.0.0.1:5001",
    "gateway_url": "http://127.0.0.1:5002",
    "token": "eyJ0.secret.token",
    "pid": 4711,
}


def write(folder, document):
    data = document if isinstance(document, str) else json.dumps(document)
    write_private(folder / RUNTIME_FILE, data.encode())


def test_read_as_written(tmp_path):
    write(tmp_path, LAB)
    runtime = read_runtime(tmp_path)
    assert runtime is not None
    assert runtime.model_dump() == LAB


def test_none_without_a_lab(tmp_path):
    assert read_runtime(tmp_path) is None


def test_a_newer_lab_may_say_more(tmp_path):
    write(tmp_path, {**LAB, "jupyter_url": "http://127.0.0.1:8888"})
    assert read_runtime(tmp_path) == Runtime(**LAB)


def test_the_token_is_in_no_representation():
    runtime = Runtime(**LAB)
    assert "secret" not in repr(runtime) + str(runtime) + f"{runtime}"


def test_open_to_others_is_refused(tmp_path):
    write(tmp_path, LAB)
    (tmp_path / RUNTIME_FILE).chmod(0o644)
    with pytest.raises(FileError, match="chmod 600"):
        read_runtime(tmp_path)


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ("", "JSON"),
        ("not json", "JSON"),
        ("[]", "JSON"),
        ({**LAB, "pid": 0}, "pid"),
        ({**LAB, "token": ""}, "token"),
        ({**LAB, "token": ["secret"]}, "token"),
        ({name: value for name, value in LAB.items() if name != "url"}, "url"),
    ],
)
def test_what_is_no_such_file_is_named_without_its_token(tmp_path, document, wrong):
    write(tmp_path, document)
    with pytest.raises(FileError, match=rf"does not describe a lab \({wrong}\)") as caught:
        read_runtime(tmp_path)
    assert "secret" not in str(caught.value)


def test_a_lab_that_was_killed_is_not_alive(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    runtime = Runtime.model_validate(LAB | {"pid": process.pid})
    assert runtime.alive
    process.communicate()
    assert not runtime.alive
    assert not Runtime.model_validate(LAB | {"pid": 2**63}).alive
