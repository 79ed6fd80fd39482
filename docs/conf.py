"""How the documentation is built: offline, from this checkout, warnings are errors."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "skyscan-lab"
author = "The skyscan-lab founders"
copyright = "2026, the skyscan-lab founders"
version = release = installed_version("skyscan-lab")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "generated_tables",
    "shared_references",
]
exclude_patterns = ["_build"]

# Docstrings write `name` for whatever has that name, in the library or out of it.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections say the type in words, with the unit
numpydoc_show_class_members = False
# Modules list references once, for their functions to cite (shared_references).
suppress_warnings = ["ref.citation"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes = False  # they make one dash of the two of an option

html_theme = "pydata_sphinx_theme"
html_title = "skyscan-lab"
html_sidebars = {"*": [], "how-to/*": []}  # pages that have no neighbours to list
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
