"""Tables that the documentation makes from the code, so that they cannot go stale.

``{generated-table} session-variables`` puts the table of that name in its place.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from skyscan_lab.io import FORMATS
from skyscan_lab.protocol.lifecycle import TRANSITIONS
from skyscan_lab.session import AXES, SCHEMA, Flag, Variable
from skyscan_lab.station import Limits, ReceiverSettings, RotorSettings, Site, Station
from skyscan_server.node.config import NodeSection, RotorSection
from skyscan_server.settings import HubSettings, OutsideIssuer

ROOT = Path(__file__).parents[2]

Rows = Iterable[Iterable[str]]


def session_variables() -> str:
    """Every variable of a session."""
    head = ("variable", "type", "units", "where nothing was measured", "what it is")
    rows = ((*_variable(row), f"`{row.missing}`", _in_words(row)) for row in SCHEMA)
    return _table(head, rows)


def session_axes() -> str:
    """Every coordinate that a dim of a session may have."""
    return _table(
        ("coordinate", "type", "units", "what it is"),
        ((*_variable(row), _in_words(row)) for row in AXES),
    )


def session_flags() -> str:
    """Every value of the variable ``flag``."""
    return _table(("value", "name"), ((str(int(flag)), f"`{flag.name}`") for flag in Flag))


def scan_lifecycle() -> str:
    """Every step of a scan's lifecycle."""
    rows = ((f"`{a}`", f"`{event}`", f"`{b}`") for (a, event), b in TRANSITIONS.items())
    return _table(("from", "event", "to"), rows)


def station_settings() -> str:
    """Every setting of station.toml, one table a section and driver."""
    sections: list[tuple[str, type[BaseModel]]] = [("", Station), ("[site]", Site)]
    for name, union in (("rotor", RotorSettings), ("receiver", ReceiverSettings)):
        for model in get_args(get_args(union)[0]):
            driver = model.model_fields["driver"]
            sections.append((f'[{name}], driver = "{get_args(driver.annotation)[0]}"', model))
    sections.append(("limits of the rotor", Limits))
    return "\n\n".join(_settings(title, model) for title, model in sections)


def hub_settings() -> str:
    """Every setting of hub.toml, one table a section; the folder that it is in is none."""
    hub = _settings("", HubSettings, without={"data"})
    return f"{hub}\n\n{_settings('[outside_issuer]', OutsideIssuer)}"


def node_settings() -> str:
    """Every setting of node.toml, one table a section; those within a rotor are a station's."""
    sections: dict[str, type[BaseModel]] = {"[node]": NodeSection, "[[rotors]]": RotorSection}
    return "\n\n".join(_settings(title, model) for title, model in sections.items())


def formats() -> str:
    """Every format that a session is read from or written to."""
    rows = (
        (
            f"`{name}`",
            row.title,
            ", ".join(f"`{suffix}`" for suffix in row.suffixes),
            ", ".join(f"`{option}`" for option in row.options),
        )
        for name, row in FORMATS.items()
    )
    return _table(("name", "what it is", "written to names ending in", "options"), rows)


def layers(package: str) -> str:
    """Every layer of a package, top to bottom, with what its modules say of themselves."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    (lines,) = (
        contract["layers"]
        for contract in tools["importlinter"]["contracts"]
        if contract["type"] == "layers" and contract["containers"] == [package]
    )
    rows = []
    for number, line in enumerate(lines, 1):
        for module in re.findall(r"\w+", line):
            about = (import_module(f"{package}.{module}").__doc__ or "").partition("\n\n")[0]
            rows.append((str(number), f"`{module}`", about.replace("\n", " ")))
    return _table(("layer", "module", "what it is"), rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "formats": formats,
    "hub-settings": hub_settings,
    "layers": partial(layers, "skyscan_lab"),
    "node-settings": node_settings,
    "scan-lifecycle": scan_lifecycle,
    "server-layers": partial(layers, "skyscan_server"),
    "session-axes": session_axes,
    "session-flags": session_flags,
    "session-variables": session_variables,
    "station-settings": station_settings,
}


class GeneratedTable(SphinxDirective):
    """Put the table of a given name in its place."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the table as the Markdown that it is."""
        make = TABLES.get(self.arguments[0])
        if make is None:
            raise self.error(f"{self.arguments[0]}: the tables are {', '.join(TABLES)}")
        return self.parse_text_to_nodes(make())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("generated-table", GeneratedTable)
    return {"version": "1", "parallel_read_safe": True}


def _table(head: Iterable[str], rows: Rows) -> str:
    cells = [tuple(head), *(tuple(row) for row in rows)]
    cells.insert(1, ("---",) * len(cells[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _variable(row: Variable) -> tuple[str, str, str]:
    units = "those of the session" if row.units == "session" else row.units or ""
    return f"`{row.name}`", f"`{row.dtype}`", units


def _in_words(row: Variable) -> str:
    named = f" (CF: `{row.standard_name}`)" if row.standard_name else ""
    return f"{row.long_name}{named}"


def _settings(title: str, model: type[BaseModel], without: Collection[str] = ()) -> str:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    rows = []
    for name, setting in schema["properties"].items():
        if name in without or "const" in setting:  # the driver, which the title names
            continue
        if "description" not in setting:
            raise ValueError(f"{model.__name__}.{name} has no sentence that says what it means")
        value = "required" if name in required else _value(setting.get("default"))
        rows.append((f"`{name}`", _allowed(setting), value, setting["description"]))
    about = (model.__doc__ or "").strip().partition("\n\n")[0]
    heading = f"**`{title}`**: {about}" if title else about
    if not rows:
        return heading
    return f"{heading}\n\n{_table(('setting', 'allowed', 'default', 'what it means'), rows)}"


def _value(default: object) -> str:
    return "" if default is None or isinstance(default, dict) else f"`{json.dumps(default)}`"


def _allowed(setting: Mapping[str, Any]) -> str:
    """What a setting may be, in words, from its JSON schema."""
    options = [option for option in setting.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return _allowed(options[0])
    if setting.get("type") == "array":
        if "prefixItems" in setting:
            return f"[{', '.join(_allowed(item) for item in setting['prefixItems'])}]"
        return f"list of {_allowed(setting['items'])}"
    if "enum" in setting:
        return " or ".join(f"`{json.dumps(value)}`" for value in setting["enum"])
    if setting.get("type") not in ("number", "integer"):
        kinds = {"string": "text", "boolean": "`true` or `false`"}
        return kinds.get(setting.get("type", ""), "a section")
    if "minimum" in setting and "maximum" in setting:
        return f"{setting['minimum']:g} to {setting['maximum']:g}"
    bounds = [
        f"{sign} {setting[key]:g}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if key in setting
    ]
    return " and ".join(bounds) or "finite"
