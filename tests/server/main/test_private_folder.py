"""Truth: the modes that the system reports."""

import stat

from skyscan_server.main.private_folder import private_folder


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_one_is_closed(tmp_path):
    private_folder(tmp_path / "a" / "b")
    assert mode_of(tmp_path / "a" / "b") == 0o700


def test_one_of_ours_is_closed_and_others_are_left_alone(tmp_path):
    ours, empty, others, shared = (tmp_path / name for name in ("ours", "empty", "others", "tmp"))
    for folder in (ours, empty, others, shared):
        folder.mkdir()
        folder.chmod(0o755)
    (ours / "skyscan.sqlite").touch()
    (others / "letters.txt").touch()
    (shared / "skyscan.sqlite").touch()
    shared.chmod(0o1777)
    for folder in (ours, empty, others, shared):
        private_folder(folder)
    assert [mode_of(f) for f in (ours, empty, others, shared)] == [0o700, 0o700, 0o755, 0o1777]
