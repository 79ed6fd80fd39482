"""Files of others, as they are sent out: no browser may take one for a page of ours."""

from __future__ import annotations

from types import MappingProxyType

AS_ATTACHMENT = MappingProxyType(
    {
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
)
"""Headers of such a file."""
