"""Models of the rotor resource: the neighbour of the Sky Scan API in the same application.

Fields and defaults of the application's own calls are kept; ``driver``, ``device``,
``limits``, ``receiver`` and ``node`` are ours.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.times import UtcTime
from skyscan_lab.station import Limits, ReceiverSettings


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Answer(BaseModel):
    # A newer server may say more than we know.
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Rotor(_Model):
    name: str = Field(min_length=1, max_length=200)
    rotor_type: Literal["azel", "az", "el"] = "azel"
    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=4533, ge=1, le=65535)
    min_elevation: float = Field(default=5.0, ge=-90, le=90)
    park_az: float = Field(default=0.0, ge=-720, le=720)
    park_el: float = Field(default=0.0, ge=-90, le=90)
    driver: Literal["rotctld", "winegard", "simulated"] = "rotctld"
    device: str | None = Field(default=None, max_length=200)
    limits: Limits | None = None
    receiver: ReceiverSettings | None = None
    node: str | None = None


class RotorFields(_Rotor):
    """Body of ``POST /api/rotors`` and ``PUT /api/rotors/{id}``.

    ``receiver`` null stands for what goes with the driver: the rotor's own RSSI behind
    rotctld or a Winegard console, a simulated receiver beside a simulated rotor. ``node``
    null stands for the only node, or the built-in one. A park position that is left out is the
    nearest to (0, 0) within the limits.
    """

    name: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=200, pattern=r"\S"
    )
    host: str = Field(default="127.0.0.1", min_length=1, max_length=253, pattern=r"^\S+$")

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if self.receiver is not None:
            simulated = self.driver == "simulated"
            if (self.receiver.driver == "simulated") != simulated:
                allowed = "'simulated', as the rotor is" if simulated else "that of a real one"
                raise InvalidInput("receiver.driver", self.receiver.driver, allowed)
        if self.limits is not None:
            self._fit("park_az", self.limits.azimuth_deg, "limits.azimuth_deg")
            self._fit("park_el", self.limits.elevation_deg, "limits.elevation_deg")
            low, high = self.limits.elevation_deg
            if self.min_elevation >= high and "min_elevation" not in self.model_fields_set:
                self.min_elevation = low
            if self.min_elevation >= high:
                allowed = f"below {high:g}, which is the highest in limits.elevation_deg"
                raise InvalidInput("min_elevation", self.min_elevation, allowed)
        return self

    def _fit(self, name: str, limits: tuple[float, float], where: str) -> None:
        """See that a field is within limits; where it was left out, it is the nearest to 0."""
        low, high = limits
        value: float = getattr(self, name)
        nearest = min(max(value, low), high)
        if nearest != value:
            if name in self.model_fields_set:
                raise InvalidInput(name, value, f"within [{low:g}, {high:g}], which is {where}")
            setattr(self, name, nearest)


class RotorOut(_Rotor):
    """A rotor as every route returns it."""

    # A newer server may say more than we know.
    model_config = ConfigDict(extra="ignore")

    id: int


class RotorTest(_Answer):
    """Answer of ``GET /api/rotors/{id}/test``; without a connection, ``connected`` alone."""

    connected: bool
    model: str | None = Field(default=None, exclude_if=lambda model: model is None)


class RotorPosition(_Answer):
    """Answer of ``GET /api/rotors/{id}/position``, degrees; azimuth within [0, 360)."""

    azimuth: float
    elevation: float
    rotor_name: str
    timestamp: UtcTime


class PointRequest(_Model):
    """Body of ``POST /api/rotors/{id}/point``.

    Sun and Moon need no ``target_id``; that of a geostationary satellite is its longitude, as
    ``"19.2E"``; that of another satellite is its catalogue number.
    """

    target_type: Literal["satellite", "geostationary", "sun", "moon"]
    target_id: str = Field(default="", max_length=100)


class PointReply(_Answer):
    """Answer of ``POST /api/rotors/{id}/point``."""

    status: Literal["ok"] = "ok"
    target: str
    azimuth: float
    elevation: float


class MoveRequest(_Model):
    """Body of ``POST /api/rotors/{id}/move``, degrees."""

    azimuth: float = Field(ge=-720, le=720)
    elevation: float = Field(ge=-90, le=90)


class JogRequest(_Model):
    """Body of ``POST /api/rotors/{id}/jog``: which way each axis turns; renewed every 2 s.

    The answer's ``epoch`` is given back with each renewal, so that it renews this jog only.
    """

    azimuth: Literal[-1, 0, 1] = 0
    elevation: Literal[-1, 0, 1] = 0
    epoch: int | None = None


class MotionReply(_Answer):
    """Answer of the routes that move a rotor, or stop it; a move is under way, not done."""

    status: Literal["moving", "jogging", "stopped", "parking"]
    epoch: int | None = None
