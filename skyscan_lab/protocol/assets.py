"""Files that a node brings to the hub: said first, then sent, in as many parts as it takes.

::

    node                                                          hub
     │ POST /v1/nodes/{node}/assets  (label, size, sha256, …) ───▶ │
     │ ◀────────────────────────────────── id, how much is there   │
     │ PUT  /v1/nodes/{node}/assets/{id}  Content-Range ─────────▶ │   the link breaks
     │ HEAD /v1/nodes/{node}/assets/{id} ────────────────────────▶ │
     │ ◀──────────────────────────────────── Upload-Offset         │
     │ PUT  … from there on ─────────────────────────────────────▶ │   checked, then kept

The same said twice is the same asset, so an answer that was lost costs nothing.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

UPLOAD_OFFSET = "Upload-Offset"
"""Header: how many bytes the hub has."""

UPLOAD_LENGTH = "Upload-Length"
"""Header: how many bytes there are."""

UPLOAD_COMPLETE = "Upload-Complete"
"""Header: ``?1`` once all is there and was checked, else ``?0``."""

MAX_ASSET_BYTES = 2**40


class NewAsset(BaseModel):
    """A file that is going to be sent.

    Parameters
    ----------
    label : str
        What people call it. It names no file anywhere.
    media_type : str
        What it is, as ``image/fits``.
    size : int
        Its length, bytes.
    sha256 : str
        Its SHA-256, 64 hexadecimal digits.
    session_id : int, optional
        The session that it belongs to.

    Examples
    --------
    >>> NewAsset(label="waterfall", media_type="image/png", size=3, sha256="0" * 64).session_id
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=200)
    media_type: str = Field(
        max_length=100,
        pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$",
        examples=["image/png"],
    )
    size: int = Field(ge=0, le=MAX_ASSET_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", examples=["0123456789abcdef" * 4])
    session_id: int | None = Field(default=None, ge=0)


class Asset(BaseModel):
    """A file at the hub, whole or in part: `received` bytes of it are there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    label: str
    media_type: str
    size: int
    sha256: str
    session_id: int | None = None
    received: int
    complete: bool
