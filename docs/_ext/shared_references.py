"""Let a docstring cite what the docstring of its module lists.

Modules here list their references once, at the top, and functions cite them: ``[1]_``. Sphinx
reads each docstring alone and would find nothing to cite, so the entry is copied to where it
is used. numpydoc then gives it a name of its own on the page.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from sphinx.application import Sphinx

_CITED = re.compile(r"\[(\w+)\]_")
_ENTRY = re.compile(r"^\.\. \[(\w+)\] (.*(?:\n   .*)*)", re.MULTILINE)
_HEADING = re.compile(r"^(\w[\w ]*)\n(-{3,})$", re.MULTILINE)


def entries(docstring: str) -> dict[str, str]:
    """References that a docstring lists, by their label."""
    return {match[1]: match[0] for match in _ENTRY.finditer(docstring)}


def with_references(docstring: str, shared: dict[str, str]) -> str:
    """Docstring in which everything it cites is listed, where `shared` has it."""
    missing = sorted(set(_CITED.findall(docstring)) & set(shared) - set(entries(docstring)))
    if not missing:
        return docstring
    listed = "\n".join(shared[label] for label in missing)
    headings = list(_HEADING.finditer(docstring))
    names = [heading[1] for heading in headings]
    if "References" not in names:
        return f"{docstring.rstrip()}\n\nReferences\n----------\n{listed}\n"
    following = headings[names.index("References") + 1 :]
    end = following[0].start() if following else len(docstring)
    return f"{docstring[:end].rstrip()}\n\n{listed}\n\n{docstring[end:]}"


def _share(
    _app: Sphinx, what: str, _name: str, obj: object, _options: object, lines: list[str]
) -> None:
    text = "\n".join(lines)
    if what == "module":
        # numpydoc leaves these headings as sections, which would collide on a page of modules.
        text = _HEADING.sub(r".. rubric:: \1\n", text)
    elif module := sys.modules.get(getattr(obj, "__module__", None) or ""):
        text = with_references(text, entries(module.__doc__ or ""))
    # An author's initial at the start of an entry is no item of a list.
    text = re.sub(r"^(\.\. \[\w+\] )(?=[A-Z]\. )", r"\1\\", text, flags=re.MULTILINE)
    lines[:] = [*text.splitlines(), ""]  # what follows starts a block of its own


def setup(app: Sphinx) -> dict[str, Any]:
    """Step in before numpydoc, whose priority is the default of 500."""
    app.connect("autodoc-process-docstring", _share, priority=400)
    return {"version": "1", "parallel_read_safe": True}
