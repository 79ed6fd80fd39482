"""Who a node is to its hub: an id and a secret, kept in a file of their own.

They come with node.toml, or from an enrolment: a code that an administrator of the hub has
made is sent once, and what comes back is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from skyscan_lab.client.private_file import read_private, write_private
from skyscan_lab.errors import FileError
from skyscan_lab.protocol.oauth import Enrolled, EnrolRequest
from skyscan_server.node.config import NodeSection
from skyscan_server.node.data_folder import NodeError

FILE = "credentials.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Id and secret of a node."""

    client_id: str
    client_secret: str = field(repr=False)


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    client_id: str
    client_secret: str


def credentials_file(node: NodeSection) -> Path:
    """File that a node's credentials are kept in."""
    return node.credentials or node.data / FILE


def known_credentials(node: NodeSection) -> Credentials | None:
    """Credentials that a node has: in its node.toml, or in their file.

    Parameters
    ----------
    node : NodeSection
        Its settings.

    Returns
    -------
    Credentials or None
        None where it has to enrol.

    Raises
    ------
    NodeError
        For a file that others may read, or that holds something else.
    """
    if node.client_id is not None and node.client_secret is not None:
        return Credentials(node.client_id, node.client_secret.get_secret_value())
    path = credentials_file(node)
    try:
        data = read_private(path)
        if data is None:
            return None
        stored = _Stored.model_validate_json(data)
    except OSError as error:
        raise NodeError(f"{path}: {error.strerror}") from error
    except FileError as error:
        raise NodeError(str(error)) from error
    except ValidationError:
        raise NodeError(
            f"{path}: holds no credentials: client_id and client_secret, as JSON"
        ) from None
    return Credentials(stored.client_id, stored.client_secret)


def keep_credentials(path: Path, credentials: Credentials) -> None:
    """Write credentials for their owner's eyes only."""
    stored = _Stored(client_id=credentials.client_id, client_secret=credentials.client_secret)
    write_private(path, stored.model_dump_json().encode())


async def enrol(http: aiohttp.ClientSession, hub: str, code: str) -> Credentials:
    """Turn a one-time code into credentials.

    Parameters
    ----------
    http : ClientSession
        To the hub.
    hub : str
        Address of its gateway.
    code : str
        From an administrator of the hub.

    Raises
    ------
    NodeError
        Where the hub refuses the code.
    aiohttp.ClientError, TimeoutError
        Where the hub cannot be reached, or is in trouble: trying again may help.
    """
    request = EnrolRequest(code=code)
    async with http.post(f"{hub}/v1/nodes/enrol", json=request.model_dump()) as answer:
        if 400 <= answer.status < 500:
            raise NodeError(
                f"{hub} refused the code of enrolment ({answer.status}): ask an administrator "
                "of the hub for a new one"
            )
        answer.raise_for_status()
        body = await answer.read()
    try:
        enrolled = Enrolled.model_validate_json(body)
    except ValidationError as error:
        raise NodeError(f"{hub} answered the enrolment with something else: {error}") from None
    return Credentials(enrolled.client_id, enrolled.client_secret)
