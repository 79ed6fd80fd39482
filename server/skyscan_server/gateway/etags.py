"""Whether a caller has the newest of something already: RFC 9110, section 13.1.2."""

from __future__ import annotations

import re

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether a header ``If-None-Match`` names an entity tag.

    Examples
    --------
    >>> is_known('W/"3", "4"', '"4"'), is_known("*", '"4"'), is_known(None, '"4"')
    (True, True, False)
    """
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)
