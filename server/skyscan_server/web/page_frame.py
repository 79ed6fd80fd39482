"""What both pages share: their frame, their style, and the policy that nothing else may load."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from skyscan_server.web.markup import Html, join, tag

_STYLE = """
:root { color-scheme: light dark; --edge: #8884; --faint: #8882; --strong: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --strong: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; line-height: 1.5;
  font-family: system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--strong); }
h1 { margin: 0.5rem 0; }
h2 { margin: 2rem 0 0.5rem; }
h3 { margin: 1rem 0 0.25rem; font-size: 1rem; }
nav ul { columns: 18rem; padding-left: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { background: var(--faint); border-radius: 0.3rem; margin: 0.25rem 0; overflow-x: auto;
  padding: 0.5rem; }
details { border: 1px solid var(--edge); border-radius: 0.4rem; margin: 0.5rem 0; }
summary { cursor: pointer; padding: 0.5rem; }
summary:focus-visible { outline: 2px solid var(--strong); }
details > div { border-top: 1px solid var(--edge); padding: 0.25rem 0.75rem 0.75rem; }
.way { display: inline-block; font-weight: bold; min-width: 4.5rem; }
.needs { border: 1px solid var(--edge); border-radius: 1rem; font-size: 0.8em;
  padding: 0.1rem 0.5rem; white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--edge); padding: 0.25rem 0.5rem 0.25rem 0;
  text-align: left; vertical-align: top; }
/* A word that is broken in a narrow column cannot be read; the table scrolls instead. */
th, td:not(:last-child) { overflow-wrap: normal; }
"""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the pages are served with: nothing loads, but the one style inside them."""


def page(title: str, *inside: Html | None) -> str:
    """Make a whole page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(_STYLE)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *inside), lang='en')}\n"


def paragraphs(text: str) -> Html:
    """Write text whose paragraphs are apart by empty lines, and whose code is in backticks."""
    return join(tag("p", _with_code(part)) for part in text.split("\n\n") if part.strip())


def _with_code(text: str) -> Html:
    pieces = text.replace("``", "`").split("`")
    return join(tag("code", piece) if odd % 2 else piece for odd, piece in enumerate(pieces))


def table(words: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Html | None:
    """Make a table, which scrolls by itself on a narrow screen; None of no rows."""
    if not rows:
        return None
    top = tag("tr", (tag("th", head, scope="col") for head in heads))
    body = (
        tag("tr", tag("th", row[0], scope="row"), (tag("td", cell) for cell in row[1:]))
        for row in rows
    )
    made = tag("table", tag("thead", top), tag("tbody", body), aria_label=words)
    return tag("div", made, class_="scroll", role="region", tabindex="0", aria_label=words)
