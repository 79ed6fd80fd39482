"""Truth: the file as its reader in the library finds it, and as the system describes it."""

import pytest

from skyscan_lab.client.private_file import write_private
from skyscan_lab.client.runtime import RUNTIME_FILE, Runtime, read_runtime
from skyscan_server.auth.runtime_file import runtime_file

LAB = Runtime.model_validate(
    {
        "url": "http://127.0.0.1:5001",
        "gateway_url": "http://127.0.0.1:5002",
        "token": "secret",
        "pid": 4711,
    }
)
OTHER = LAB.model_copy(update={"pid": 4712, "token": "other"})


async def test_there_while_it_runs_and_gone_after(tmp_path):
    folder = tmp_path / "data"
    async with runtime_file(folder, LAB) as path:
        assert read_runtime(folder) == LAB
        assert path == folder / RUNTIME_FILE
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(folder.iterdir()) == [path]
    assert read_runtime(folder) is None
    assert list(folder.iterdir()) == []


async def test_gone_after_a_failure_too(tmp_path):
    with pytest.raises(RuntimeError, match="on purpose"):
        async with runtime_file(tmp_path, LAB):
            raise RuntimeError("on purpose")
    assert read_runtime(tmp_path) is None


async def test_what_a_crash_left_is_replaced(tmp_path):
    (tmp_path / RUNTIME_FILE).write_text("{}")
    async with runtime_file(tmp_path, LAB):
        assert read_runtime(tmp_path) == LAB


async def test_another_labs_file_is_left(tmp_path):
    async with runtime_file(tmp_path, LAB):
        write_private(tmp_path / RUNTIME_FILE, OTHER.model_dump_json().encode())
    assert read_runtime(tmp_path) == OTHER


@pytest.mark.parametrize("spoil", ["remove", "open", "garble"])
async def test_whatever_was_done_to_it_the_end_is_quiet(tmp_path, spoil):
    async with runtime_file(tmp_path, LAB) as path:
        if spoil == "remove":
            path.unlink()
        elif spoil == "open":
            path.chmod(0o644)
        else:
            path.write_text("garbled")
