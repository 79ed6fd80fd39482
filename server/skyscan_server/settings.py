"""Settings of a hub: from the command line, and from ``hub.toml`` in its data folder.

Everything has a default with which one machine is a working lab: SQLite in the data folder,
listeners on loopback, tokens of its own making.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from skyscan_lab.errors import SkyscanError
from skyscan_lab.home import lab_folder

CONFIG_FILE = "hub.toml"

Port = Annotated[int, Field(ge=0, le=65535)]


class SettingsError(SkyscanError, ValueError):
    """A setting of the hub that cannot be used."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, table: Any) -> Any:
        # pydantic's own refusal of unknown names does not say which are known.
        for name in table if isinstance(table, dict) else ():
            if name not in cls.model_fields:
                raise ValueError(f"{name!r} is no setting; known are {', '.join(cls.model_fields)}")
        return table


class OutsideIssuer(_Settings):
    """An issuer of tokens other than our own."""

    issuer: str
    """What its tokens say in ``iss``."""
    jwks_url: str
    """Where its public keys are."""
    audience: str = "skyscan-lab"
    """What its tokens must say in ``aud``."""


class HubSettings(_Settings):
    """How a hub runs.

    Examples
    --------
    >>> HubSettings(data=Path("/var/lib/skyscan")).url
    'sqlite:////var/lib/skyscan/skyscan.sqlite'
    """

    data: Path
    """Folder of the database, the signing key and the assets."""
    host: str = "127.0.0.1"
    """Address that the public API and the gateway listen at."""
    port: Port = 5001
    """Port of the public API; 0 for any free one."""
    gateway_port: Port = 5002
    """Port of the node gateway; 0 for any free one."""
    internal_port: Port | None = None
    """Port of the internal API, on loopback; else it is a Unix socket in the data folder."""
    database: str | None = None
    """URL of the database: ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``."""
    gateway_database: str | None = None
    """URL with which the gateway connects, for a role of its own; else as ``database``."""
    open_api: bool = False
    """Answer the Sky Scan API without a token, to callers on loopback."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that requests may have in ``Host``, besides loopback's and ``host``."""
    origins: tuple[str, ...] = ()
    """Origins of web pages that may call: those of a Jupyter elsewhere."""
    outside_issuer: OutsideIssuer | None = None
    """Section ``[outside_issuer]``: whose tokens are taken in place of our own."""
    asset_quota_bytes: int = Field(default=10 * 2**30, gt=0)
    """Most bytes of assets that one installation may keep here."""

    @field_validator("database", "gateway_database")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        # It may hold a password: it is not repeated.
        if url is not None and not re.match(r"sqlite:///.|postgresql://.", url):
            raise ValueError("must be sqlite:///PATH or postgresql://USER@HOST/NAME")
        return url

    @model_validator(mode="after")
    def _role_of_its_own_on_postgresql_only(self) -> Self:
        for url in (self.url, self.gateway_database):
            if self.gateway_database is not None and not str(url).startswith("postgresql://"):
                raise ValueError(
                    "gateway_database: must be left out unless it and database are "
                    "postgresql://…: SQLite has no roles"
                )
        return self

    @model_validator(mode="after")
    def _open_on_loopback_only(self) -> Self:
        if self.open_api and not self.loopback:
            raise ValueError(
                f"open_api: must be off where host is {self.host!r}: beyond loopback every call "
                "needs a token"
            )
        return self

    @property
    def url(self) -> str:
        """URL of the database."""
        return self.database or f"sqlite:///{quote(str(self.data / 'skyscan.sqlite'))}"

    @property
    def loopback(self) -> bool:
        """Whether the hub listens to this machine alone."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def data_folder(chosen: Path | None = None) -> Path:
    """Folder of the server's state: as chosen, else ``SKYSCAN_HOME``, else the platform's."""
    return (chosen or lab_folder()).absolute()


def load_settings(data: Path, **given: Any) -> HubSettings:
    """Settings of the hub whose data folder this is.

    Parameters
    ----------
    data : Path
        The folder; what ``hub.toml`` in it says is used.
    **given
        Settings that win over the file; None stands for not given.

    Raises
    ------
    SettingsError
        Naming the file and each setting that is wrong.
    """
    path = data / CONFIG_FILE
    table: dict[str, Any] = {}
    if path.exists():
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not TOML: {error}") from error
        if "data" in table:
            raise SettingsError(f"{path}: data: must be left out, as this file is in that folder")
    table |= {name: value for name, value in given.items() if value is not None}
    try:
        return HubSettings.model_validate({**table, "data": data})
    except ValidationError as error:
        problems = "; ".join(_in_words(problem) for problem in error.errors())
        raise SettingsError(f"{path if path.exists() else 'settings'}: {problems}") from None


def _in_words(problem: ErrorDetails) -> str:
    setting = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"{setting} is required"
    if problem["type"] == "value_error":  # ours: it says the value itself, where it may
        reason = str(problem["ctx"]["error"])
        return f"{setting}: {reason}" if setting else reason
    return f"{setting} = {problem['input']!r}: {problem['msg']}"
