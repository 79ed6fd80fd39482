"""Truth: what was written, loaded again."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from skyscan_lab.cli.main import main
from skyscan_lab.io import FORMATS, load_session, save_session
from skyscan_lab.session import session_from_points


@pytest.fixture
def session(tmp_path: Path) -> Path:
    az, el = np.meshgrid(np.arange(110.0, 121), np.arange(20.0, 29))
    ds = session_from_points(
        az.ravel(), el.ravel(), (az + el).ravel(), units="counts", location=(47.0, 8.0)
    )
    return save_session(ds, tmp_path / "session.nc")


def export(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row.write])
def test_every_format_by_name_and_by_extension(session: Path, name: str, tmp_path: Path) -> None:
    for target, options in (
        (tmp_path / f"a{FORMATS[name].suffixes[0]}", ()),
        (tmp_path / "b.data", ("--format", name)),
    ):
        result = export(session, target, *options)
        assert result.exit_code == 0, result.output
        assert result.output == f"wrote {target}\n"
        assert load_session(target).rssi.size > 0


@pytest.mark.parametrize("suffix", [".nc", ".fits", ".csv"])
def test_a_round_trip_changes_nothing(session: Path, suffix: str, tmp_path: Path) -> None:
    there = tmp_path / f"there{suffix}"
    assert export(session, there).exit_code == 0
    assert export(there, tmp_path / "back.nc").exit_code == 0
    assert load_session(tmp_path / "back.nc").identical(load_session(session))


def test_wrong_requests_are_refused_and_change_nothing(session: Path, tmp_path: Path) -> None:
    target = tmp_path / "map.xyz"
    assert "map.xyz" in export(session, target).output
    assert not target.exists()
    assert "'winegard' is not one of" in export(session, target, "--format", "winegard").output
    target = tmp_path / "kept.csv"
    target.write_text("mine")
    broken = tmp_path / "broken.txt"
    broken.write_text("no recording")
    assert export(broken, target).exit_code == 2
    assert target.read_text() == "mine"
