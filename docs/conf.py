"""How Sphinx makes a site of these pages. Run by ``make site``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for the docstrings

project = "tap-insightly"
html_title = project
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["__pycache__"]

# Headings have the anchors that GitHub gives them, so that links work in both places.
myst_heading_anchors = 3
highlight_language = "none"  # unless a block says its language
# Sessions with their output and JSON with dots in it cannot be coloured, which does no harm.
suppress_warnings = ["misc.highlighting_failure"]

autodoc_member_order = "bysource"
autoclass_content = "both"  # how it is made belongs to what it is
toc_object_entries_show_parents = "hide"
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True

# Names in single backquotes are links, and have to lead somewhere. Those in small letters may also
# be arguments, which have no place to lead to; nor have the names of what is not exported, and the
# types of other libraries in signatures.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"[a-z_]+"),
    ("py:obj", r"About|OffsetPaginator|decimal\.Decimal"),
    ("py:class", r".*"),
]


def _google(
    _app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Turn the sections of docstrings into fields.

    Attributes are left as they are: napoleon, as an extension, would take what stands before a
    colon in them for a type.
    """
    if what not in {"attribute", "property"}:
        lines[:] = GoogleDocstring(list(lines), Config(), None, what, name, thing, options).lines()


def setup(app: Sphinx) -> None:
    """Tell Sphinx how docstrings are written."""
    app.connect("autodoc-process-docstring", _google)
