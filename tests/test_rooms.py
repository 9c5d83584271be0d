"""The rooms of the package: which may import which, typing imports included, and no circles.

A new room, or a new module at the top, needs an entry in `MAY_IMPORT`. A room that has layers
has them in `LAYERS`.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
PACKAGE = "tap_insightly"

_BELOW_STREAMS = {
    *("api", "conformer", "conversion_warnings", "custom_fields"),
    *("openapi", "page_records", "tombstone", "values"),
}
_SINGER = {
    *("command", "config_schema", "connection", "connection_settings", "given_files", "output"),
    *("pipes", "plugin", "sdk_settings", "settings"),
}

MAY_IMPORT: Mapping[str, set[str]] = {
    "openapi": set(),
    "sandbox": {"openapi"},
    "files": set(),
    "conversion_warnings": set(),
    "values": {"conversion_warnings"},
    "tombstone": {"values"},
    "api": {"openapi", "values"},
    "custom_fields": {"openapi"},
    "page_records": {"openapi"},
    "conformer": {"conversion_warnings", "openapi", "page_records", "values"},
    "columns": {"api", "conformer", "values"},
    "batch_files": set(),
    "streams": {*_BELOW_STREAMS, "batch_files", "columns"},
    "webhooks": {"api", "conformer", "conversion_warnings", "openapi", "values"},
    "run_summary": {"api"},
    "telemetry": {"api"},
    "sync": {*_BELOW_STREAMS, "files", "run_summary", "streams", "telemetry", "webhooks"},
    "discovery": {*_BELOW_STREAMS, "streams", "sync"},
    "catalogs": {"files"},
    "states": {"files", "values"},
    "connection": {"api", "telemetry"},
    "pipes": {"api"},
    "output": {"pipes"},
    "exit_codes": {"api"},
    "config_schema": set(),
    "connection_settings": {"api", "config_schema"},
    "private_files": {"files"},
    "secret_sources": {"config_schema", "private_files"},
    "accounts": {"api", "config_schema", "connection_settings", "secret_sources"},
    "config_file": {
        *("accounts", "api", "config_schema", "connection_settings", "files", "private_files"),
        "secret_sources",
    },
    "account_choice": {
        *("accounts", "api", "config_file", "config_schema", "connection_settings"),
        "secret_sources",
    },
    "sdk_settings": {"config_schema"},
    "settings": {"config_schema", "connection_settings", "values"},
    "environment": {"config_schema", "files"},
    "given_files": {"catalogs", "files", "states"},
    "sdk_log": set(),
    "command": {"api", "connection", "exit_codes", "pipes", "sdk_log", "telemetry"},
    "plugin": {
        *("account_choice", "accounts", "command", "config_schema", "environment", "exit_codes"),
        "given_files",
    },
    "memory": set(),
    "tap": {*_SINGER, "discovery", "memory", "streams", "sync"},
    "start": {"connection", "pipes"},
    "__main__": {"start"},
    "dlt": {"api", "discovery", "streams", "tap", "tombstone", "values"},
    "undo_file": {"api", "openapi", "values"},
    "loader": {
        *("api", "openapi", "run_summary", "start", "streams", "telemetry", "tombstone"),
        *("undo_file", "values"),
        *_SINGER,
    },
    "undo": {"api", "loader", "openapi", "undo_file", "values"},
    "attachments": {"api", "files", "values"},
    "mcp": {"api", "openapi", "undo_file", "values"},
    "verify": {"api", "streams", "tombstone", "values"},
    "server": {
        *("accounts", "api", "config_file", "config_schema", "connection", "openapi", "values"),
        *("private_files", "webhooks"),
    },
    "probe": {"api", "connection", "custom_fields", "openapi", "values"},
    "cli": {
        *_SINGER,
        *("account_choice", "accounts", "attachments", "config_file", "exit_codes", "mcp"),
        *("private_files", "secret_sources", "telemetry"),
        *("api", "environment", "files", "loader", "openapi", "probe", "streams", "sync", "tap"),
        *("server", "undo", "undo_file", "values", "verify", "webhooks"),
    },
}
"""What each room may import of the package besides itself, from the bottom up."""

LAYERS: Mapping[str, Sequence[set[str]]] = {
    "api": [{"api.http"}, {"api.lists"}, {"api.records"}, {"api.client"}, {"api.check"}, {"api"}],
    "openapi": [
        {"openapi"},
        {"openapi.field_types", "openapi.objects", "openapi.singer"},
    ],
    "sandbox": [
        {"sandbox.account"},
        {"sandbox.data", "sandbox.handlers"},
        {"sandbox.bodies", "sandbox.errors", "sandbox.sending", "sandbox.webhooks"},
        {"sandbox.app"},
        {"sandbox.serving"},
        {"sandbox.server"},
        {"sandbox"},
        {"sandbox.command", "sandbox.pytest_plugin"},
        {"sandbox.__main__"},
    ],
    "streams": [
        {"streams.entries", "streams.partition", "streams.protocol", "streams.tombstones"},
        {"streams.sending"},
        {"streams.base"},
        {"streams.search"},
        {"streams.related"},
        {
            "streams.activity",
            "streams.admin",
            "streams.crm",
            "streams.custom",
            "streams.marketing",
            "streams.products",
            "streams.projects",
            "streams.sales",
            "streams.service",
        },
        {"streams.details"},
        {"streams"},
    ],
    "sync": [
        {
            "sync.account",
            "sync.checkpoint",
            "sync.form",
            "sync.id_codec",
            "sync.id_list",
            "sync.progress",
            "sync.refresh_schedule",
            "sync.timings",
        },
        {"sync.webhook_events"},
        {"sync.context", "sync.id_comparison", "sync.partition_read", "sync.refresh"},
        {"sync.embedded", "sync.known_ids"},
        {"sync.deletions"},
        {"sync.stream_sync"},
        {"sync.child_stream_sync", "sync.embedded_stream_sync", "sync.report"},
        {"sync.estimate", "sync.run"},
        {"sync"},
    ],
    "server": [
        {
            "server.bodies",
            "server.credentials",
            "server.metrics",
            "server.refusals",
            "server.connections",
        },
        {"server.receiving", "server.gateway", "server.settings"},
        {"server.app", "server.serving"},
        {"server"},
    ],
    "dlt": [
        {"dlt.columns", "dlt.incomplete", "dlt.tap"},
        {"dlt.reading"},
        {"dlt.resources"},
        {"dlt.source"},
        {"dlt"},
    ],
    "undo_file": [
        {"undo_file.clock", "undo_file.journal", "undo_file.lines"},
        {"undo_file.recorder"},
        {"undo_file.writes"},
        {"undo_file"},
    ],
    "mcp": [
        {"mcp.assistants", "mcp.cursors", "mcp.limits", "mcp.shapes"},
        {"mcp.pending"},
        {"mcp.call"},
        {"mcp.arguments"},
        {"mcp.preparing", "mcp.scanning", "mcp.searching"},
        {"mcp.reading", "mcp.writing"},
        {"mcp.counting"},
        {"mcp.tools"},
        {"mcp.server"},
        {"mcp.transports"},
        {"mcp"},
    ],
    "webhooks": [
        {"webhooks.database", "webhooks.event"},
        {"webhooks.dates", "webhooks.locks", "webhooks.store"},
        {"webhooks.events", "webhooks.writer"},
        {"webhooks.outbox", "webhooks.records", "webhooks.targets"},
        {"webhooks.forwarding"},
        {"webhooks"},
    ],
    "loader": [
        {"loader.errors", "loader.field_names", "loader.key_cache"},
        {"loader.links", "loader.lists", "loader.messages", "loader.queue", "loader.shares"},
        {"loader.report", "loader.stream_mapping"},
        {"loader.guards", "loader.mappings", "loader.writer"},
        {"loader.record_loader"},
        {"loader.mirror", "loader.settings"},
        {"loader.deferred"},
        {"loader.run"},
        {"loader.copying"},
        {"loader.sink"},
        {"loader.target"},
        {"loader"},
        {"loader.__main__"},
    ],
    "undo": [
        {"undo.access", "undo.progress"},
        {"undo.record_ids"},
        {"undo.restorer"},
        {"undo.undoer"},
        {"undo.opening"},
        {"undo"},
    ],
}
"""The layers of a room from the bottom up. What is named in a layer may import what is named below
it, and not its neighbours; within itself, it may import what it likes."""


@cache
def modules() -> Mapping[str, Path]:
    """All modules by name, such as ``sandbox.account.table``; packages without ``__init__``."""
    found = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(source: str, known: Mapping[str, object]) -> Iterator[str]:
    """The modules of the package that a source imports, wherever in it, and also for types."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not looked at"
            names = [f"{node.module}.{one.name}" for one in node.names]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == PACKAGE:
                inner = name.partition(".")[2]
                yield inner if inner in known else inner.rpartition(".")[0]


@cache
def arrows() -> Mapping[str, set[str]]:
    """What each module imports of the package."""
    return {
        name: set(imports_of(path.read_text(encoding="utf-8"), modules()))
        for name, path in modules().items()
    }


def is_in(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


def layer_of(module: str, layers: Sequence[set[str]]) -> tuple[int, str] | None:
    """The number of a module's layer, and its part there: the longest name that it is in."""
    parts = [(len(part), at, part) for at, layer in enumerate(layers) for part in layer]
    own = [(size, at, part) for size, at, part in parts if is_in(module, part)]
    return max(own)[1:] if own else None


def upward(graph: Mapping[str, set[str]], layers: Sequence[set[str]]) -> Iterator[str]:
    """Imports that do not run downwards, of modules that are in these layers."""
    for module, imported in graph.items():
        own = layer_of(module, layers)
        for other in imported if own else ():
            theirs = layer_of(other, layers)
            if own and theirs and theirs != own and theirs[0] >= own[0]:
                yield f"{module} imports {other}"


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Sets of modules that import one another in a circle, by Tarjan's algorithm."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(module: str) -> None:
        numbers[module] = lowest[module] = len(numbers)
        stack.append(module)
        for other in graph.get(module, ()):
            if other not in numbers:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], numbers[other])
        if lowest[module] == numbers[module]:
            at = stack.index(module)
            circle = set(stack[at:])
            del stack[at:]
            if len(circle) > 1 or module in graph.get(module, ()):
                found.append(circle)

    for module in graph:
        if module not in numbers:
            visit(module)
    return found


def test_every_room_has_its_place_and_imports_none_above_it() -> None:
    assert {module.partition(".")[0] for module in modules()} - {""} == {*MAY_IMPORT}
    places = {room: place for place, room in enumerate(MAY_IMPORT)}
    for room, others in MAY_IMPORT.items():
        assert all(places[other] < places[room] for other in others), room


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    allowed = {room, *MAY_IMPORT[room]}
    wrong = [
        f"{module} imports {other}"
        for module, imported in arrows().items()
        if is_in(module, room)
        for other in imported
        if not any(is_in(other, one) for one in allowed)
    ]
    assert not wrong


@pytest.mark.parametrize("room", LAYERS)
def test_within_a_room_arrows_point_down(room: str) -> None:
    assert list(upward(arrows(), LAYERS[room])) == []


@pytest.mark.parametrize("room", LAYERS)
def test_every_module_of_a_room_is_in_a_layer_of_its_own(room: str) -> None:
    own = [module for module in modules() if is_in(module, room)]
    assert own
    whole = [part for layer in LAYERS[room] for part in layer]
    # What is only in the room itself has been forgotten, unless it is that.
    assert [m for m in own if (at := layer_of(m, LAYERS[room])) and at[1] == room != m] == []
    assert [part for part in whole if part not in modules()] == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_modules_of_a_room_import_one_another_in_a_circle(room: str) -> None:
    assert [one for one in circles(arrows()) if any(is_in(module, room) for module in one)] == []


def test_imports_are_found_wherever_they_are() -> None:
    source = """
from typing import TYPE_CHECKING
import tap_insightly.one
from tap_insightly.two import Thing, module
if TYPE_CHECKING:
    from tap_insightly.three import Other
def late():
    from tap_insightly import four
"""
    known = dict.fromkeys(["one", "two", "two.module", "three", "four"])
    assert sorted(imports_of(source, known)) == ["four", "one", "three", "two", "two.module"]


def test_an_arrow_that_runs_upwards_or_across_is_found() -> None:
    layers = [{"a.low"}, {"a.left", "a.right"}, {"a"}]
    graph = {
        "a.low.x": {"a.low.y", "a.left.z"},
        "a.left.z": {"a.low.x", "a.right", "a.left.w"},
        "a": {"a.left", "a.low.x"},
        "elsewhere": {"a"},
    }
    assert sorted(upward(graph, layers)) == [
        "a.left.z imports a.right",
        "a.low.x imports a.left.z",
    ]


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e"}}
    assert sorted(map(sorted, circles(graph))) == [["b", "c"], ["e"]]
