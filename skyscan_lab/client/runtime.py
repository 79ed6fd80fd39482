"""How notebooks and commands on this machine find the lab that runs on it.

A running lab leaves its addresses and a token in a file that only its owner may read. Whoever
can read the file may use the lab, as with Jupyter's own.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skyscan_lab.client.private_file import read_private
from skyscan_lab.errors import FileError

RUNTIME_FILE = "runtime.json"
"""Name of the file in the folder of the lab's data."""


class Runtime(BaseModel):
    """A lab that runs on this machine.

    Parameters
    ----------
    url : str
        Of its public API.
    gateway_url : str
        Where nodes connect.
    token : str
        Bearer token; it is in no representation of this object.
    pid : int
        The process. After a crash the file is still there and the process is not.
    """

    # A newer lab may say more than we know.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    url: str = Field(min_length=1, max_length=2000)
    gateway_url: str = Field(min_length=1, max_length=2000)
    token: str = Field(min_length=1, repr=False)
    pid: int = Field(ge=1)

    @property
    def alive(self) -> bool:
        """Whether its process still runs; if not, anybody may listen at its addresses by now."""
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, PermissionError, OverflowError):
            return False  # none, or somebody else's
        return True


def read_runtime(folder: Path) -> Runtime | None:
    """Read how to reach the lab of a folder.

    Parameters
    ----------
    folder : Path
        The lab's data folder.

    Returns
    -------
    Runtime or None
        None where no lab has left a file.

    Raises
    ------
    FileError
        Where the file belongs to another user or others may read it, and where it does not say
        what it should.
    """
    path = folder / RUNTIME_FILE
    data = read_private(path)
    if data is None:
        return None
    try:
        return Runtime.model_validate_json(data)
    except ValidationError as error:
        fields = sorted({".".join(map(str, row["loc"])) or "JSON" for row in error.errors()})
        raise FileError(
            path, f"does not describe a lab ({', '.join(fields)}): remove it, start the lab again"
        ) from None
