"""The rooms of the tap: streams below sync, sync below the tap, and no circles; types included."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE = Path(__file__).parents[1] / "tap_insightly"

BELOW_STREAMS = {"api", "conformer", "conversion_warnings", "custom_fields", "openapi", "values"}
MAY_IMPORT: Mapping[str, set[str]] = {
    "streams": {*BELOW_STREAMS, "parquet"},
    "sync": {*BELOW_STREAMS, "streams"},
    "discovery": {*BELOW_STREAMS, "streams", "sync"},
}
"""What each room may import of the package besides itself."""


@cache
def modules() -> Mapping[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not looked at"
            names = [f"{node.module}.{one.name}" for one in node.names]
        else:
            continue
        for name in names:
            package, _, inner = name.partition(".")
            if package == PACKAGE.name:
                yield inner if inner in modules() else inner.rpartition(".")[0]


@cache
def arrows() -> Mapping[str, set[str]]:
    return {name: set(imports_of(path)) for name, path in modules().items()}


def is_in(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    own = [name for name in modules() if is_in(name, room)]
    assert own
    allowed = {room, *MAY_IMPORT[room]}
    wrong = [
        f"{name} imports {other}"
        for name in own
        for other in arrows()[name]
        if not any(is_in(other, one) for one in allowed)
    ]
    assert not wrong


@pytest.mark.parametrize("room", [*MAY_IMPORT, "tap"])
def test_no_module_imports_itself_by_way_of_others(room: str) -> None:
    def reached(name: str) -> set[str]:
        found, left = set[str](), {name}
        while left:
            left = {other for one in left for other in arrows().get(one, ())} - found
            found |= left
        return found

    assert [name for name in modules() if is_in(name, room) and name in reached(name)] == []
