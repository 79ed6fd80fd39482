"""Truth: what the issue says of tests that cannot run, tried on a small suite of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SUITE = {
    "test_whole_module.py": """
import pytest
pytest.skip("no such dish", allow_module_level=True)
""",
    "test_single.py": """
import pytest

def test_skips_itself():
    pytest.skip("no such receiver")

@pytest.mark.skip(reason="no such rotor")
def test_is_marked(): ...

@pytest.mark.program("rotctld")
def test_needs_a_program(): ...

@pytest.mark.xfail
def test_is_expected_to_fail():
    assert False

@pytest.mark.recording
def test_needs_the_recording():
    assert False

def test_can_run(): ...
""",
}


@pytest.fixture(scope="module")
def run_suite(tmp_path_factory):
    """Run pytest, with the rules of this project, where neither program nor recording is."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  recording:\n  program:\n")
    for name, source in SUITE.items():
        (folder / name).write_text(source)

    def run(**environment):
        inherited = {k: v for k, v in os.environ.items() if k not in ("CI", "SKYSCAN_DATA")}
        nowhere = str(folder / "empty")
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "conftest",
                "-ra",
                "--continue-on-collection-errors",
            ],
            cwd=folder,
            env=inherited
            | {
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]]),
                "PATH": nowhere,
                "HOME": nowhere,
                "XDG_CACHE_HOME": nowhere,
            }
            | environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def elsewhere(run_suite):
    return run_suite()


def test_in_ci_what_skips_fails_and_says_why(run_suite):
    result = run_suite(CI="true")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    # What is skipped before it begins, or while it is collected, pytest calls an error.
    assert "1 failed, 1 passed, 1 deselected, 1 xfailed, 3 errors" in result.stdout
    for reason in ("dish", "receiver", "rotor"):
        assert f"no such {reason}" in result.stdout
    assert "rotctld is not installed: apt-get install libhamlib-utils" in result.stdout
    assert result.stdout.count("skipped, which in CI is a failure") >= 4


def test_elsewhere_what_skips_is_named(elsewhere):
    assert elsewhere.returncode == pytest.ExitCode.OK
    assert "1 passed, 4 skipped, 1 deselected, 1 xfailed" in elsewhere.stdout
    assert "rotctld is not installed: apt-get install libhamlib-utils" in elsewhere.stdout


def test_without_a_recording_its_tests_are_left_out_with_one_line(elsewhere):
    (line,) = [line for line in elsewhere.stdout.splitlines() if "Left out" in line]
    assert line.startswith("Left out: 1 tests of the recording winegard-g2")
