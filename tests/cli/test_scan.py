"""Truth: real processes, real signals and real keys, on the simulated station."""

import asyncio
import json
import os
import pty
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from skyscan_lab.cli.main import main
from skyscan_lab.cli.scan_keys import undisturbed
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.devices.freerunning import free_running_station
from skyscan_lab.io import load_session
from skyscan_lab.session import Flag
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.station import Station
from tests.cli.scans import LARGE, SMALL, Scan, measured, points_in

pytestmark = pytest.mark.system


def test_a_scan_to_its_end(tmp_path: Path) -> None:
    out = tmp_path / "night.nc"
    with Scan(*SMALL, "--title", "Test", "--out", out) as scan:
        status, output = scan.end()
    assert status == 0, scan.seen
    assert "completed: 24 of 24 points measured" in output
    assert str(out) in output
    assert "24/24 (100%)" in scan.seen
    ds = load_session(out)
    assert measured(ds) == 24
    assert ds.attrs["title"] == "Test"
    assert "site_latitude_deg" in ds.attrs
    assert points_in(tmp_path / "night.journal") == 24
    # Serpentine: the second line was swept backwards.
    assert (np.diff(ds["sequence"].values[1]) == -1).all()


def test_ctrl_c_pauses_and_again_cancels_and_the_data_are_kept(tmp_path: Path) -> None:
    out, journal = tmp_path / "session.nc", tmp_path / "session.journal"
    with Scan(*LARGE, "--out", out, scale=200) as scan:
        scan.until_points(journal, 5)
        scan.process.send_signal(signal.SIGINT)
        scan.until("paused")
        held = points_in(journal)
        time.sleep(0.5)  # some forty points' time
        assert points_in(journal) == held
        scan.process.send_signal(signal.SIGINT)
        status, output = scan.end()
    assert status == 130, scan.seen
    assert f"cancelled: {held} of 1701 points measured" in output
    ds = load_session(out)
    assert measured(ds) == held >= 5
    assert ds.attrs["scan_status"] == "cancelled"
    assert (ds["flag"] == Flag.NOT_VISITED).sum() == 1701 - held


def test_a_key_resumes_and_q_leaves_for_later(tmp_path: Path) -> None:
    out, journal = tmp_path / "session.nc", tmp_path / "session.journal"
    keyboard, terminal = pty.openpty()
    try:
        with Scan(*LARGE, "--out", out, scale=200, stdin=terminal) as scan:
            scan.until_points(journal, 3)
            scan.process.send_signal(signal.SIGINT)
            scan.until("Enter goes on")
            held = points_in(journal)
            os.write(keyboard, b"x\n")
            scan.until("means nothing here")
            os.write(keyboard, b"\n")
            scan.until("going on")
            scan.until_points(journal, held + 3)
            scan.process.send_signal(signal.SIGINT)
            scan.until("Enter goes on")
            os.write(keyboard, b"q\n")
            status, output = scan.end()
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert status == 3, scan.seen
    assert f"--resume {journal}" in output
    assert measured(load_session(out)) == points_in(journal) > held


def test_a_scan_that_was_ended_from_outside_goes_on_where_it_was(tmp_path: Path) -> None:
    out, journal = tmp_path / "session.nc", tmp_path / "session.journal"
    area = ("--az", "150", "180", "--el", "30", "44", "--reads", "2", "--order", "raster")
    with Scan(*area, "--out", out, scale=300) as scan:
        scan.until_points(journal, 10)
        scan.process.send_signal(signal.SIGTERM)
        status, _ = scan.end()
    assert status == 3, scan.seen
    before = points_in(journal)
    assert before < 128
    with Scan("--resume", journal, "--out", out) as scan:
        status, output = scan.end()
    assert status == 0, scan.seen
    assert "completed: 128 of 128" in output
    sequences = [
        record["sequence"]
        for line in journal.read_text().splitlines()
        for record in [json.loads(line[line.index("{") : line.rindex("}") + 1])]
        if record.get("kind") == "point"
    ]
    assert sequences == list(range(128))  # none lost, none repeated


def test_kill_9_loses_no_point_of_the_journal(tmp_path: Path) -> None:
    out, journal = tmp_path / "session.nc", tmp_path / "session.journal"
    with Scan(*SMALL, "--out", out, scale=50) as scan:
        scan.until_points(journal, 4)
        scan.process.kill()
    with Scan("--resume", journal, "--out", out) as scan:
        assert scan.end()[0] == 0, scan.seen
    assert measured(load_session(out)) == 24


def refusal(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["scan", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def test_what_exists_is_never_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "session.nc"
    out.write_text("a night's work")
    assert "another --out" in refusal("--out", out)
    assert out.read_text() == "a night's work"
    journal = tmp_path / "other.journal"
    journal.write_text("a night's work")
    assert f"--resume {journal}" in refusal("--out", tmp_path / "other.nc")


def test_wrong_requests_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "session.nc"
    assert "step = -1.0" in refusal("--step", "-1", "--out", out)
    assert "el end" in refusal("--el", "60", "20", "--out", out)
    assert "'sideways' is not one of" in refusal("--order", "sideways", "--out", out)
    assert "reads" in refusal("--reads", "0", "--out", out)
    assert "every_min" in refusal("--reference", "180", "30", "0", "--out", out)
    assert "session.xyz" in refusal("--out", tmp_path / "session.xyz")
    assert "No such command" not in refusal("--resume", tmp_path / "missing.journal")
    broken = tmp_path / "broken.journal"
    broken.write_text("not a journal\nat all\n")
    assert "broken.journal" in refusal("--resume", broken, "--out", out)
    assert "--az, --reads" in refusal(
        "--resume", broken, "--az", "0", "10", "--reads", "3", "--out", out
    )
    assert [path.name for path in tmp_path.iterdir()] == ["broken.journal"]


def test_a_point_beyond_the_limits_is_refused_and_clipped_when_asked(tmp_path: Path) -> None:
    area = ("--az", "150", "152", "--el", "-2", "2", "--reads", "1")
    assert "-2°" in refusal(*area, "--out", tmp_path / "a.nc")
    with Scan(*area, "--clip", "--out", tmp_path / "b.nc") as scan:
        assert scan.end()[0] == 0, scan.seen
    ds = load_session(tmp_path / "b.nc")
    assert (ds["flag"].sel(elevation=-2) == Flag.OUT_OF_LIMITS).all()
    assert (ds["flag"].sel(elevation=2) == Flag.MEASURED).all()


def test_a_station_that_is_not_there_is_one_line(tmp_path: Path, unused_tcp_port: int) -> None:
    station = tmp_path / "station.toml"
    station.write_text(
        f"[rotor]\ndriver = 'rotctld'\nport = {unused_tcp_port}\n[receiver]\ndriver = 'rotor'\n"
    )
    output = refusal("--station", station, "--out", tmp_path / "session.nc")
    assert output.startswith("error: ")
    assert f"127.0.0.1:{unused_tcp_port}" in output
    assert len(output.splitlines()) == 1


async def test_a_fault_is_told_in_words_and_the_scan_can_go_on(tmp_path: Path) -> None:
    out, journal = tmp_path / "session.nc", tmp_path / "session.journal"
    station = tmp_path / "station.toml"
    area = ("--az", "150", "156", "--el", "30", "32", "--reads", "2")  # 4 × 2 points
    hardware = free_running_station(Station(), scale=1.0)
    async with RssiDialectEmulator(hardware.rotor, hardware.receiver) as server:
        station.write_text(
            f"[rotor]\ndriver = 'rotctld'\nport = {server.port}\nmove_timeout_s = 4.0\n"
            "[receiver]\ndriver = 'rotor'\n"
        )

        def scan(*arguments: object) -> tuple[int, str, str]:
            with Scan("--station", station, *arguments, "--out", out) as process:
                return (*process.end(), process.seen)

        hardware.rotor.inject(RotorFaults(jam_azimuth_deg=153.0))
        status, output, seen = await asyncio.to_thread(scan, *area)
        assert status == 3, seen
        assert "paused: rotctld 127.0.0.1" in seen
        assert "Traceback" not in seen
        assert f"--resume {journal}" in output
        assert points_in(journal) == 2, seen

        hardware.rotor.inject(RotorFaults())
        status, output, seen = await asyncio.to_thread(scan, "--resume", journal)
    assert status == 0, seen
    assert measured(load_session(out)) == 8


def test_ctrl_c_in_the_last_second_still_leaves_a_session():
    said = []
    with undisturbed(said.append):
        os.kill(os.getpid(), signal.SIGINT)
    assert said == ["the scan has ended; writing its session"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
