"""Truth: this list. A name here is a promise; changing the list is a decision."""

import inspect
import subprocess
import sys

import pytest

import skyscan_lab

PUBLIC = [
    "ScanGrid",
    "SkyScanClient",
    "datasets",
    "identify",
    "load_session",
    "load_station",
    "open_station",
    "save_session",
    "scan",
    "session_from_points",
    "simulate_session",
    "triangulate",
    "validate",
]


def test_the_list():
    assert skyscan_lab.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_loads_and_is_documented(name):
    public = getattr(skyscan_lab, name)
    assert inspect.getdoc(public)
    assert name in dir(skyscan_lab)


@pytest.mark.parametrize("name", PUBLIC)
def test_type_checkers_are_told_of_each(name):
    # They do not run __getattr__: what they see is the block under TYPE_CHECKING.
    assert f"import {name} as {name}\n" in inspect.getsource(skyscan_lab)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'load_sesion'"):
        _ = skyscan_lab.load_sesion


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()


def test_importing_the_package_loads_nothing():
    ours = run(
        "import sys; before = set(sys.modules); import skyscan_lab;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    assert set(ours) <= {"skyscan_lab", "importlib", "pkgutil", "typing"} | sys.stdlib_module_names


@pytest.mark.parametrize(
    "name", ["SkyScanClient", "load_session", "scan", "session_from_points", "validate"]
)
def test_whoever_is_given_a_session_has_its_accessor(name):
    loaded = run(
        f"import skyscan_lab as sky, xarray; sky.{name}; print(xarray.Dataset.sky.__module__)"
    )
    assert loaded == ["skyscan_lab.accessor"]


def test_a_grid_costs_no_more_than_numpy():
    loaded = run("import skyscan_lab as sky, sys; sky.ScanGrid; print(*sys.modules)")
    assert "numpy" in loaded
    assert not {"astropy", "matplotlib", "xarray"} & set(loaded)
