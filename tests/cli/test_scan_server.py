"""Truth: what a hub and its simulated station then hold, and what a scripted server was asked."""

import asyncio
import os
import pty
import signal

import numpy as np
import pytest
from click.testing import CliRunner

from skyscan_lab.cli.main import main
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.io import load_session, save_session
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.rotors import RotorOut
from skyscan_lab.session import session_from_points
from tests.cli.scans import LARGE, SMALL, Scan, measured
from tests.client.small_server import SmallServer, until
from tests.server.processes import HubProcess

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    process = HubProcess(tmp_path_factory.mktemp("hub"), time_scale=300)
    try:
        process.runtime = process.wait_until_ready()
        yield process
    finally:
        process.kill()


def test_a_file_that_could_not_be_written_is_refused_before_anything_is_asked(tmp_path):
    nowhere = tmp_path / "nodir" / "e.nc"
    command = ["scan", "--server", "http://127.0.0.1:1", "--out", str(nowhere)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "there is no folder" in result.output
    assert "cannot be reached" not in result.output


@pytest.fixture
def here(hub, monkeypatch):
    """The options that lead to the hub; its token is found by itself."""
    monkeypatch.delenv("SKYSCAN_TOKEN", raising=False)
    monkeypatch.setenv("SKYSCAN_HOME", str(hub.data))
    return ("--server", hub.runtime.url)


async def newest():
    async with SkyScanClient() as client:
        (session,) = await client.sessions(limit=1)
        return await client.detail(session.id)


def test_a_scan_to_its_end(here, tmp_path):
    out = tmp_path / "night.nc"
    with Scan(*here, *SMALL, "--title", "Test", "--out", out) as scan:
        status, output = scan.end()
    assert status == 0, scan.seen
    session = asyncio.run(newest())
    assert "completed: 24 of 24 points measured" in output
    assert f"session  {session.id} at {here[1]}" in output
    assert "24/24 (100%)" in scan.seen
    ds = load_session(out)
    assert measured(ds) == 24
    assert ds.attrs["title"] == "Test"
    # Serpentine, as the local command: the second line was swept backwards.
    assert (np.diff(ds["sequence"].values[1]) == -1).all()

    again = tmp_path / "again.csv"
    with Scan(*here, "--attach", session.id, "--out", again) as scan:
        assert scan.end()[0] == 0, scan.seen
    assert measured(load_session(again)) == 24


def test_ctrl_c_pauses_and_again_cancels(here, tmp_path):
    out = tmp_path / "session.nc"
    with Scan(*here, *LARGE, "--out", out) as scan:
        scan.until("az ")
        scan.process.send_signal(signal.SIGINT)
        scan.until("paused: the rotor holds")
        held = asyncio.run(newest())
        assert held.status is ScanStatus.PAUSED
        scan.process.send_signal(signal.SIGINT)
        status, output = scan.end()
    assert status == 130, scan.seen
    assert asyncio.run(newest()).status is ScanStatus.CANCELLED
    assert f"cancelled: {held.completed_points} of 1701 points measured" in output
    assert measured(load_session(out)) == held.completed_points


def test_a_key_resumes_q_leaves_and_attach_goes_on(here, tmp_path):
    out = tmp_path / "session.nc"
    area = ("--az", "150", "200", "--el", "30", "44", "--reads", "2")  # 26 × 8 points
    keyboard, terminal = pty.openpty()
    try:
        with Scan(*here, *area, "--out", out, stdin=terminal) as scan:
            scan.until("az ")
            scan.process.send_signal(signal.SIGINT)
            scan.until("Enter goes on")
            os.write(keyboard, b"\n")
            scan.until("going on")
            scan.until("az ")
            scan.process.send_signal(signal.SIGINT)
            scan.until("Enter goes on")
            os.write(keyboard, b"q\n")
            status, output = scan.end()
            left = asyncio.run(newest())
            assert status == 3, scan.seen
            assert left.status is ScanStatus.PAUSED
            assert f"session {left.id} paused, {left.completed_points} of 208 points" in output
            assert f"--attach {left.id}" in output
            assert not out.exists()
        with Scan(*here, "--attach", left.id, "--out", out, stdin=terminal) as scan:
            scan.until("Enter goes on")
            os.write(keyboard, b"\n")
            status, output = scan.end()
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert status == 0, scan.seen
    assert "completed: 208 of 208 points measured" in output
    assert measured(load_session(out)) == 208


def refusal(*arguments):
    result = CliRunner().invoke(main, ["scan", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def test_a_token_from_a_file_is_the_one_that_is_shown(here, hub, tmp_path):
    token, out = tmp_path / "token", tmp_path / "session.nc"
    token.write_text("forged\n")
    assert "give a token" in refusal(*here, "--token-file", token, "--out", out)
    token.write_text(f"{hub.runtime.token}\n")
    with Scan(*here, *SMALL, "--token-file", token, "--out", out) as scan:
        assert scan.end()[0] == 0, scan.seen
    token.write_text("two words")
    output = refusal(*here, "--token-file", token, "--out", out.with_name("b.nc"))
    assert "token = '…'" in output
    assert "two words" not in output


def test_what_has_no_meaning_there_is_refused_in_words(tmp_path):
    server = ("--server", "http://127.0.0.1:9")
    existing = tmp_path / "station.toml"
    existing.touch()
    for options in (("--station", existing), ("--journal", "a"), ("--resume", existing)):
        output = refusal(*server, *options)
        assert f"{options[0]}: not with --server" in output
    assert "--reference: not with --server" in refusal(*server, "--reference", 180, 30, 5)
    assert "--az, --reads, --rotor: the session of --attach says" in refusal(
        *server, "--attach", 4, "--rotor", 1, "--az", 0, 10, "--reads", 3
    )
    for options in (("--rotor", 1), ("--attach", 4), ("--token-file", existing)):
        assert f"{options[0]}: only with --server" in refusal(*options)
    assert "url = 'hub'" in refusal("--server", "hub")
    assert "step = -1.0" in refusal(*server, "--step", "-1")
    existing.with_name("session.nc").touch()
    assert "another --out" in refusal(*server, "--out", existing.with_name("session.nc"))


@pytest.mark.parametrize("number", [7, 1_000_000])
def test_a_session_that_is_not_there_is_one_line(here, tmp_path, number):
    output = refusal(*here, "--attach", number, "--out", tmp_path / "session.nc")
    assert output == "error: Scan session not found\n"


def test_a_server_that_is_not_there_is_one_line(unused_tcp_port, tmp_path):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    output = refusal("--server", url, "--out", tmp_path / "session.nc")
    assert output.startswith(f"error: {url} cannot be reached (connection refused)")
    assert len(output.splitlines()) == 1


@pytest.fixture
async def scripted():
    small = SmallServer()
    await small.start()
    yield small
    await small.stop()


async def test_of_several_rotors_one_must_be_named(scripted, tmp_path):
    scripted.rotors.append(RotorOut(id=2, name="Mast"))
    out = ("--out", tmp_path / "session.nc")
    output = await asyncio.to_thread(refusal, "--server", scripted.url, *out)
    assert "--rotor: must be given; the rotors there: 1 (Roof), 2 (Mast)" in output
    scripted.rotors.clear()
    output = await asyncio.to_thread(refusal, "--server", scripted.url, *out)
    assert "the rotors there: none yet" in output
    assert not scripted.scans


async def test_a_fault_is_told_in_words_and_left_where_nobody_is_there(scripted, tmp_path):
    task = scripted.add()
    task.become(ScanStatus.RUNNING)
    task.measure(2)
    with Scan("--server", scripted.url, "--attach", 1, "--out", tmp_path / "session.nc") as scan:
        await until(lambda: scripted.after)
        task.words = "rotor: stalled at 153.0°"
        task.become(ScanStatus.PAUSED, PauseReason.FAULT)
        status, output = await asyncio.to_thread(scan.end)
    assert status == 3, scan.seen
    assert "paused: rotor: stalled at 153.0°" in scan.seen
    assert "session 1 paused, 2 of 10 points" in output


async def test_a_lease_is_waited_for(scripted, tmp_path):
    task = scripted.add()
    task.become(ScanStatus.RUNNING)
    with Scan("--server", scripted.url, "--attach", 1, "--out", tmp_path / "session.nc") as scan:
        await until(lambda: scripted.after)
        task.become(ScanStatus.PAUSED, PauseReason.LEASE)
        await asyncio.to_thread(scan.until, "somebody else uses the mount")
        task.become(ScanStatus.RUNNING)
        task.measure(2)
        await asyncio.to_thread(scan.until, "2/10")
        scan.process.send_signal(signal.SIGTERM)
        status, output = await asyncio.to_thread(scan.end)
    assert status == 3, scan.seen
    assert "session 1 running, 2 of 10 points" in output


async def test_a_server_that_is_restarted_only_delays(scripted, tmp_path):
    task = scripted.add()
    task.become(ScanStatus.RUNNING)
    out = tmp_path / "session.csv"
    ds = session_from_points(range(10), [20] * 10, [-90.0] * 10, units="dBm")
    scripted.export = save_session(ds, tmp_path / "export.nc").read_bytes()
    with Scan("--server", scripted.url, "--attach", 1, "--out", out) as scan:
        await until(lambda: scripted.after)
        await scripted.stop()
        await asyncio.to_thread(scan.until, "no connection to the server")
        await asyncio.sleep(0.5)
        await scripted.start()
        task.run_to_the_end()
        status, output = await asyncio.to_thread(scan.end)
    assert status == 0, scan.seen
    assert scan.seen.count("no connection to the server") == 1
    assert "10/10 (100%)" in scan.seen
    assert "completed: 10 of 10 points measured" in output
    assert measured(load_session(out)) == 10


async def test_a_third_ctrl_c_leaves_a_server_that_does_not_answer(scripted, tmp_path):
    scripted.add().become(ScanStatus.RUNNING)
    with Scan("--server", scripted.url, "--attach", 1, "--out", tmp_path / "session.nc") as scan:
        await until(lambda: scripted.after)
        await scripted.stop()
        for answer in ("no connection", "pausing at the next point", "cancelling"):
            if answer != "no connection":
                scan.process.send_signal(signal.SIGINT)
            await asyncio.to_thread(scan.until, answer)
        scan.process.send_signal(signal.SIGINT)
        status, output = await asyncio.to_thread(scan.end)
    await scripted.start()
    assert status == 3, scan.seen
    assert "left as it is: session 1 running, 0 of 10 points" in output
    assert f"skyscan scan --server {scripted.url} --attach 1" in output
