"""Truth: what a user gets: the wheel, installed without extras, far from this checkout."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHEELHOUSE = Path(sys.prefix) / "wheelhouse"  # laid in by scripts/make-env

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def run(*command, cwd):
    """Run a command to its end, and show what it said if it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The sdist, and the wheel built from it: so the sdist is complete, too."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """Folder of a new environment that has the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("user")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    options = ["--no-index", "--find-links", WHEELHOUSE, "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "--python", folder / "env"]
    # Bytecode of all that it depends on would take most of the time.
    run(*pip, "install", "--quiet", "--no-compile", *options, distributions[1], cwd=folder)
    return folder


def files_of(package):
    """Files of a package as they are to be in a wheel."""
    files = [file for file in package.rglob("*") if "__pycache__" not in file.parts]
    return {str(file.relative_to(package.parent)) for file in files if file.is_file()}


def test_wheel_holds_library_and_server_and_nothing_else(distributions):
    ours = files_of(ROOT / "skyscan_lab") | files_of(ROOT / "server" / "skyscan_server")
    course = {f"skyscan_lab/notebooks/{n.name}" for n in (ROOT / "notebooks").glob("*.ipynb")}
    # Where a Jupyter of the environment looks for extensions.
    jupyter = "etc/jupyter/jupyter_server_config.d/skyscan_server.json"
    with zipfile.ZipFile(distributions[1]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = {Path(name).name for name in wheel.namelist() if ".dist-info/" in name}
    shared = {name for name in packed if ".data/" in name}
    assert {name.partition(".data/data/")[2] for name in shared} == {jupyter}
    assert packed - shared == ours | course
    assert {"skyscan_lab/py.typed", "skyscan_server/py.typed"} <= packed
    assert {"LICENSE", "METADATA", "entry_points.txt"} <= metadata


def test_sdist_holds_what_tests_and_docs_need(distributions):
    with tarfile.open(distributions[0]) as sdist:
        top = {Path(name).parts[1] for name in sdist.getnames() if len(Path(name).parts) > 1}
    needed = {"data", "docs", "notebooks", "server", "skyscan_lab", "tests", "constraints.txt"}
    assert needed <= top


def test_installed_version_is_the_project_s(installed):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    said = run(installed / "env" / "bin" / "skyscan", "--version", cwd=installed)
    assert version in said


def test_installed_without_extras_it_makes_a_map(installed):
    recording, catalog = ROOT / "data" / "winegard.txt", ROOT / "data" / "satellites.csv"
    skyscan, out = installed / "env" / "bin" / "skyscan", installed / "out"
    said = run(skyscan, "map", recording, "--out", out, "--satellites", catalog, cwd=installed)
    made = {file.name for file in out.iterdir()}
    assert made == {"session.nc", "map.fits", "map.png", "sources.csv"}
    assert (out / "map.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "map.fits").read_bytes().startswith(b"SIMPLE  =                    T")
    # The one source that data/make_examples.py puts there, and the name beside it.
    strongest = (out / "sources.csv").read_text().splitlines()[1]
    assert "SYNTHETIC 1" in strongest
    assert said.strip()


def test_without_an_extra_it_says_which_one_to_install(installed):
    skyscan = installed / "env" / "bin" / "skyscan"
    said = subprocess.run(
        [skyscan, "doctor"], cwd=installed, capture_output=True, text=True, timeout=120, check=False
    )
    assert "skyscan-lab[devices]" in said.stdout
    for command, extras in (("serve", "server"), ("lab", "lab,server")):
        said = subprocess.run(
            [skyscan, command], cwd=installed, capture_output=True, text=True, timeout=120
        )
        assert said.returncode == 2
        assert said.stderr.endswith(f"pip install 'skyscan-lab[{extras}]'\n")
        assert said.stderr.count("\n") == 1
