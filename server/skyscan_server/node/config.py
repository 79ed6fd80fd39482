"""node.toml: who a node is, which hub it belongs to, and what stands beside it.

::

    [node]
    name = "Roof"
    hub = "https://hub.example:5002"          # the gateway
    data = "/var/lib/skyscan-node"            # journals; beside the file, if not absolute
    dial = ["127.0.0.1", "192.168.1.20"]      # hosts that devices may be on
    enrol = "ABCD-EFGH"                       # once; what it brings is kept in the data folder

    [[rotors]]
    key = "roof"                              # never changes
    name = "Roof dish"
    min_elevation_deg = 5
    rotor = { driver = "rotctld", host = "192.168.1.20" }
    receiver = { driver = "rotor" }
    site = { name = "Roof", latitude_deg = 47.37, longitude_deg = 8.54, height_m = 440 }
    hard_limits = { azimuth_deg = [0, 450], elevation_deg = [10, 90] }

The sections of a rotor are those of a station.toml. They are a seed: once the hub knows the
node's hardware, the hub's description is used. What stays with this file are the hard limits,
which narrow whatever the hub says, and where the node may connect to at all: the hosts in
``dial`` and those of the rotors written here, and the serial ports written here. With no file
there is one rotor, and it is simulated.
"""

from __future__ import annotations

import platform
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import InvalidInput, OutOfLimits, SkyscanError
from skyscan_lab.home import lab_folder
from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph
from skyscan_lab.station import Limits, Station, WinegardRotor
from skyscan_server.node.bounds import Bounds, hosts_of

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NodeConfigError(SkyscanError, ValueError):
    """A node.toml that does not describe a node."""


def default_data() -> Path:
    """Folder of a node that names none: in SKYSCAN_HOME, or the platform's."""
    return lab_folder() / "node"


class _Settings(BaseModel):
    # The sentence under each setting is its description in the documentation's table.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, table: Any) -> Any:
        # pydantic's own refusal of unknown names does not say which are known.
        for name in table if isinstance(table, dict) else ():
            if name not in cls.model_fields:
                raise ValueError(f"{name!r} is no setting; known are {', '.join(cls.model_fields)}")
        return table


class NodeSection(_Settings):
    """The node itself, and its hub."""

    name: str = Field(default_factory=platform.node, min_length=1, max_length=100)
    """What people call it; this computer's name by default."""
    hub: str = "http://127.0.0.1:5002"
    """Address of the hub's gateway."""
    data: Path = Field(default_factory=default_data)
    """Folder of its journals."""
    dial: tuple[str, ...] = LOOPBACK
    """Hosts on which devices may be, as they are written in a rotor's or receiver's host."""
    client_id: str | None = None
    """Who the node is to the hub, with ``client_secret``; not needed after enrolment."""
    client_secret: SecretStr | None = None
    """Its secret. Better kept in a file of its own, see ``credentials``."""
    credentials: Path | None = None
    """File with both, which only its owner may read; by default in the data folder."""
    enrol: SecretStr | None = None
    """One-time code of an administrator of the hub, used while there is no credentials file."""

    @field_validator("hub")
    @classmethod
    def _an_address(cls, hub: str) -> str:
        parts = urlsplit(hub)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{hub!r} must be an address like https://hub.example:5002")
        if parts.query or parts.fragment or parts.username:
            raise ValueError(f"{parts.hostname}: the address has no ?, # or user name")
        return hub.rstrip("/")

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("client_id and client_secret go together: give both, or neither")
        return self


class RotorSection(Station):
    """A rotor with its receiver at its site: the sections of a station, and who may do what."""

    key: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")
    """Name of the rotor within its node; it must never change."""
    name: str = Field(min_length=1, max_length=200)
    """What people call it."""
    rotor_type: Literal["azel", "az", "el"] = "azel"
    """Which axes it has."""
    min_elevation_deg: float = Field(default=0.0, ge=-90, le=90)
    """Lowest elevation that people may send it to."""
    hard_limits: Limits | None = None
    """Limits that no hub can widen."""

    @classmethod
    def of_station(cls, station: Station, key: str, name: str) -> Self:
        """Rotor of a station.toml.

        Parameters
        ----------
        station : Station
            What the file says.
        key, name : str
            How the hub and people call it.
        """
        return cls(
            key=key,
            name=name,
            site=station.site,
            rotor=station.rotor,
            receiver=station.receiver,
            seed=station.seed,
        )

    @model_validator(mode="after")
    def _within_hard_limits(self) -> Self:
        # Else it would be the hub that refuses what this file says.
        try:
            _ = self.graph
            if self.rotor.limits is not None and self.hard_limits is not None:
                described, hard = (
                    RotorLimits.of(self.rotor.limits),
                    RotorLimits.of(self.hard_limits),
                )
                described.narrowed(self.name, hard)
        except ValidationError as error:
            problems = "; ".join(_in_words(problem) for problem in error.errors())
            raise ValueError(f"with hard_limits: {problems}") from None
        except OutOfLimits as error:
            raise ValueError(f"rotor.limits, hard_limits: {error}") from None
        return self

    @property
    def graph(self) -> GraphRotor:
        """As the hub is told; limits that are not set apart are the hard ones."""
        rotor = self.rotor
        if rotor.limits is None and self.hard_limits is not None:
            given = {name: getattr(rotor, name) for name in rotor.model_fields_set}
            rotor = type(rotor).model_validate(
                {**given, "driver": rotor.driver, "limits": self.hard_limits}
            )
        return GraphRotor(
            key=self.key,
            name=self.name,
            rotor_type=self.rotor_type,
            min_elevation_deg=self.min_elevation_deg,
            station=Station(site=self.site, rotor=rotor, receiver=self.receiver, seed=self.seed),
        )


_SIMULATED = RotorSection(key="simulated", name="Simulated rotor")


class NodeConfig(_Settings):
    """A whole node.toml.

    Examples
    --------
    >>> NodeConfig().graph.rotors[0].name
    'Simulated rotor'
    """

    node: NodeSection = Field(default_factory=NodeSection)
    """Section ``[node]``."""
    rotors: tuple[RotorSection, ...] = (_SIMULATED,)
    """Tables ``[[rotors]]``; one that is simulated where there are none."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for field in ("key", "name"):
            counted = Counter(getattr(rotor, field) for rotor in self.rotors)
            twice = [value for value, times in counted.items() if times > 1]
            if twice:
                raise ValueError(f"rotors: each {field} must come once, not {twice[0]!r} again")
        return self

    @property
    def graph(self) -> HardwareGraph:
        """What the node brings to a hub that does not know it."""
        return HardwareGraph(rotors=tuple(rotor.graph for rotor in self.rotors))

    @property
    def bounds(self) -> Bounds:
        """What no hub can widen."""
        hosts = {host for rotor in self.rotors for _, host in hosts_of(rotor)}
        ports = [r.rotor.device for r in self.rotors if isinstance(r.rotor, WinegardRotor)]
        return Bounds(
            hosts=frozenset(host.lower() for host in hosts.union(self.node.dial)),
            serial_ports=frozenset(ports),
            limits={r.key: r.hard_limits for r in self.rotors if r.hard_limits is not None},
        )


def load_node(path: str | Path | None = None) -> NodeConfig:
    """Read a node.toml.

    Parameters
    ----------
    path : str or Path, optional
        The file; without one, a node with a simulated rotor and a hub on this machine. Paths
        in it are relative to its folder.

    Raises
    ------
    NodeConfigError
        Naming the file and each setting that is wrong, with its value and what is allowed.

    Examples
    --------
    >>> load_node().rotors[0].key
    'simulated'
    """
    if path is None:
        return NodeConfig()
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NodeConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NodeConfigError(f"{path}: not TOML: {error}") from error
    try:
        config = NodeConfig.model_validate(table)
    except ValidationError as error:
        problems = "; ".join(_in_words(problem) for problem in error.errors())
        raise NodeConfigError(f"{path}: {problems}") from None
    return config.model_copy(update={"node": _beside(config.node, path.absolute().parent)})


def _beside(node: NodeSection, folder: Path) -> NodeSection:
    paths = {"data": folder / node.data}
    if node.credentials is not None:
        paths["credentials"] = folder / node.credentials
    return node.model_copy(update=paths)


def _in_words(problem: ErrorDetails) -> str:
    setting = _path(problem["loc"])
    if problem["type"] == "missing":
        return f"{setting} is required"
    if problem["type"] == "value_error":  # ours: it says the value itself
        error = problem["ctx"]["error"]
        if isinstance(error, InvalidInput):
            return f"{setting}.{error}" if setting else str(error)
        return f"{setting}: {error}" if setting else str(error)
    if setting in ("node.client_secret", "node.enrol"):
        return f"{setting}: {problem['msg']}"
    return f"{setting} = {problem['input']!r}: {problem['msg']}"


def _path(loc: tuple[int | str, ...]) -> str:
    parts = iter(loc)
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        path += f".{part}" if path else part
        if part in ("rotor", "receiver"):
            # The driver that chose the model stands in the path, but not in the file.
            next(parts, None)
    return path
