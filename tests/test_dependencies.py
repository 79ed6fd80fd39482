"""Truth: pyproject.toml, against which every other list of dependencies is held."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    extra: [Requirement(line) for line in lines]
    for extra, lines in PROJECT["optional-dependencies"].items()
}
ALL = [*CORE, *(requirement for lines in EXTRAS.values() for requirement in lines)]

# What conda-forge calls by another name than PyPI does.
CONDA_NAMES = {
    "build": "python-build",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
}
# What conda-forge does not have; environment.yml leaves it to pip.
ONLY_ON_PYPI = {"winegard-birdcage"}
# Imported, and half of another distribution that we declare.
PARTS = {
    "docutils": "sphinx",
    "pydantic-core": "pydantic",
    "tornado": "jupyter-server",
    "yarl": "aiohttp",
}
# Needed, and imported by another package on our behalf.
NOT_IMPORTED = {"h5netcdf", "h5py"}  # xarray's engine for NetCDF, and the engine's
# The same for the server: SQLAlchemy's drivers, and how it waits for them.
NOT_IMPORTED_BY_THE_SERVER = {"aiosqlite", "asyncpg", "greenlet"}


def test_environment_yml_is_pyproject():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (from_pypi,) = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    from_conda = [entry for entry in listed if isinstance(entry, str) and entry != "pip"]
    expected = {f"python{PROJECT['requires-python']}"} | {
        f"{CONDA_NAMES.get(requirement.name, requirement.name)}{requirement.specifier}"
        for requirement in ALL
        if requirement.name not in ONLY_ON_PYPI
    }
    assert sorted(from_conda) == sorted(expected)
    assert sorted(from_pypi) == sorted(str(r) for r in ALL if r.name in ONLY_ON_PYPI)


def test_constraints_pin_every_dependency_within_its_bounds():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines)
    assert lines == sorted(lines, key=str.lower)
    assert "skyscan-lab" not in pins
    versions = {canonicalize_name(name): Version(version) for name, version in pins.items()}
    for requirement in ALL:
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_constraints_hold_names_and_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


@pytest.mark.parametrize("requirement", ALL, ids=lambda requirement: requirement.name)
def test_each_dependency_says_what_it_is_for(requirement):
    page = (ROOT / "docs" / "dependencies.md").read_text()
    (row,) = re.findall(rf"^\| `{re.escape(requirement.name)}` \|.*$", page, re.MULTILINE)
    purpose, instead = (cell.strip() for cell in row.strip("|").split("|")[1:])
    assert purpose
    assert instead


def test_no_dependency_is_documented_that_is_not_one():
    page = (ROOT / "docs" / "dependencies.md").read_text()
    documented = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert sorted(documented) == sorted({requirement.name for requirement in ALL})


def imported_from(*folders):
    """Distributions that the modules in some folders import, in all of their lines."""
    owners = packages_distributions()
    imported = set()
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    ours = {"skyscan_lab", "skyscan_server", "tests", *(file.stem for file in files)}
    ours |= {file.parent.name for file in files if file.stem == "__init__"}
    for file in files:
        source = file.read_text()
        if source.startswith("# /// script"):
            continue  # carries its own dependencies, and runs in an environment of its own
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    names = {
        canonicalize_name(owners[name][0]) for name in imported - sys.stdlib_module_names - ours
    }
    return {PARTS.get(name, name) for name in names}


def test_the_library_imports_what_it_declares_and_nothing_else():
    declared = {canonicalize_name(r.name) for r in [*CORE, *EXTRAS["devices"], *EXTRAS["beams"]]}
    needed = imported_from("skyscan_lab")
    assert needed | NOT_IMPORTED == declared


def test_the_server_imports_what_is_declared():
    declared = {canonicalize_name(r.name) for r in [*CORE, *EXTRAS["server"]]}
    needed = imported_from("server")
    in_the_lab = {canonicalize_name(r.name) for r in EXTRAS["lab"]}
    assert needed <= declared | in_the_lab
    assert {canonicalize_name(r.name) for r in EXTRAS["server"]} <= (
        needed | NOT_IMPORTED_BY_THE_SERVER
    )


def test_what_surrounds_the_library_imports_what_is_declared():
    needed = imported_from("benchmarks", "data", "docs", "tests")
    assert needed <= {canonicalize_name(requirement.name) for requirement in ALL}
