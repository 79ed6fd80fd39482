"""Truth: the code. What it offers must be found in the documentation as it is built."""

import html
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import click
import pytest
from sphinx.util.inventory import InventoryFile

import skyscan_lab
from skyscan_lab.cli.main import main
from skyscan_lab.io import FORMATS
from skyscan_lab.power import UNITS
from skyscan_lab.session import AXES, SCHEMA, Flag
from skyscan_lab.session.attributes import AVERAGING
from skyscan_lab.session.references import REFERENCES
from skyscan_lab.station import Limits, ReceiverSettings, RotorSettings, Site, Station
from skyscan_server.node.config import NodeSection, RotorSection
from skyscan_server.settings import HubSettings, OutsideIssuer

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The documentation, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("docs")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", ROOT / "docs", folder],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def text(site):
    """Text of a page, without its markup."""

    def read(page):
        markup = (site / f"{page}.html").read_text(encoding="utf-8")
        (article,) = re.findall(r"<article.*?</article>", markup, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]+>", "", article))

    return read


@pytest.fixture(scope="module")
def documented(site):
    """Full names of all Python objects that the reference documents."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    return {
        name
        for kind, entries in inventory.data.items()
        if kind.startswith("py:")
        for name in entries
    }


def public_names():
    """Each function and class on offer, with the places where the reference may have it."""
    folders = sorted(file.parent.name for file in (ROOT / "skyscan_lab").glob("*/__init__.py"))
    packages = [importlib.import_module(f"skyscan_lab.{folder}") for folder in folders]
    for package in (skyscan_lab, *packages):
        for name in getattr(package, "__all__", ()):
            public = getattr(package, name)
            if inspect.isfunction(public) or inspect.isclass(public):  # constants are in tables
                homes = {package.__name__, public.__module__, public.__module__.rpartition(".")[0]}
                places = {f"{home}.{name}" for home in homes}
                yield f"{package.__name__}.{name}", places


@pytest.mark.parametrize(
    ("name", "places"), [pytest.param(*row, id=row[0]) for row in public_names()]
)
def test_every_public_name_is_in_the_reference(documented, name, places):
    assert documented & places, name


def settings():
    models = [Station, Site, Limits]
    for union in (RotorSettings, ReceiverSettings):
        models += get_args(get_args(union)[0])
    return sorted({name for model in models for name in model.model_fields})


@pytest.mark.parametrize("setting", settings())
def test_every_setting_of_a_station_is_documented(text, setting):
    assert re.search(rf"\b{setting}\b", text("station"))


@pytest.mark.parametrize("model", [HubSettings, OutsideIssuer, NodeSection, RotorSection])
def test_every_setting_of_hub_and_node_is_documented(text, model):
    page = text("settings")
    fields = model.model_fields.keys() - ({"data"} if model is HubSettings else set())
    assert [name for name in fields if not re.search(rf"\b{name}\b", page)] == []


def commands():
    context = click.Context(main)
    yield "skyscan", main
    for name in main.list_commands(context):
        yield f"skyscan {name}", main.get_command(context, name)


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_option_is_documented(text, name, command):
    page = text("cli")
    assert name in page
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert all(option in page for option in parameter.opts), parameter.opts
        else:
            assert parameter.human_readable_name in page


def test_every_environment_variable_is_documented(text):
    sources = [file.read_text() for file in (ROOT / "skyscan_lab").rglob("*.py")]
    read = set(re.findall(r"\bSKYSCAN_[A-Z_]+\b", "\n".join(sources)))
    assert read
    assert read <= set(re.findall(r"\bSKYSCAN_[A-Z_]+\b", text("cli")))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_documented(text, name):
    assert re.search(rf"\b{name}\b", text("formats"))


def test_every_part_of_a_session_is_documented(text):
    page = text("data-model")
    for row in (*SCHEMA, *AXES):
        assert re.search(rf"\b{row.name}\b", page), row.name
    for word in (*(flag.name for flag in Flag), *AVERAGING, *UNITS, REFERENCES):
        assert word in page


def test_every_layer_is_in_the_architecture(text):
    page = text("architecture")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    contracts = [c for c in tools["importlinter"]["contracts"] if c["type"] == "layers"]
    assert [c["containers"] for c in contracts] == [["skyscan_lab"], ["skyscan_server"]]
    for contract in contracts:
        for module in re.findall(r"\w+", " ".join(contract["layers"])):
            assert re.search(rf"\b{module}\b", page), module


def test_every_folder_at_the_top_is_in_the_architecture(text):
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    ).stdout.split()
    folders = {path.partition("/")[0] for path in tracked if "/" in path and path[0] != "."}
    for folder in folders:
        assert f"{folder}/" in text("architecture")
