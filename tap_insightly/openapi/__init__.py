"""What the API can be asked for, what it answers and what it takes, field by field.

The one place where facts about fields live: ``insightly.json`` has what is read and
``insightly-write.json`` what is written. The catalog, the checks of what is written and the
sandbox are made from them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def _document(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(Path(__file__).with_name(name).read_bytes())
    return content


READ = _document("insightly.json")
"""The OpenAPI document of what is read."""

WRITE = _document("insightly-write.json")
"""The OpenAPI document of what is written; it refers to the components of `READ`."""

COMPONENTS: Mapping[str, Any] = READ["components"]["schemas"]
"""The kinds of record, by name such as ``Contact``."""
