"""The hardware graph: what stands at a node's site, as node and hub tell each other.

The node's own file seeds it when the node first registers; from then on the hub's is the
truth, and the node keeps only the hard limits and the hosts that it may dial to itself.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from skyscan_lab.station import Station

MAX_NAME = 200
"""Most characters of a rotor's name."""

RotorKey = str
"""Name of a rotor within its node: never changes, whatever people call it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GraphRotor(_Part):
    """A rotor with its receiver, at its site.

    ``min_elevation_deg`` is what people allow, on top of the hard limits in ``station``.
    """

    key: RotorKey = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")
    name: str = Field(min_length=1, max_length=MAX_NAME)
    rotor_type: Literal["azel", "az", "el"] = "azel"
    min_elevation_deg: float = Field(default=0.0, ge=-90, le=90)
    station: Station = Station()


class HardwareGraph(_Part):
    """Everything a node has.

    Examples
    --------
    >>> HardwareGraph(rotors=[GraphRotor(key="roof", name="Roof")]).rotor("roof").name
    'Roof'
    """

    rotors: tuple[GraphRotor, ...] = ()

    @field_validator("rotors")
    @classmethod
    def _each_key_once(cls, rotors: tuple[GraphRotor, ...]) -> tuple[GraphRotor, ...]:
        keys = [rotor.key for rotor in rotors]
        if len(set(keys)) < len(keys):
            raise ValueError(f"each key must come once, not {keys}")
        return rotors

    def rotor(self, key: RotorKey) -> GraphRotor:
        """Rotor of a key.

        Raises
        ------
        KeyError
            Where there is none.
        """
        for rotor in self.rotors:
            if rotor.key == key:
                return rotor
        raise KeyError(key)
