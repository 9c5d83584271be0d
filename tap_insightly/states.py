"""States as they come: from this tap, from Meltano, from targets, and from older taps.

An unknown state is refused. If it were ignored, all would be read again in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.files import kind_of, parse_json
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ACCEPTED = (
    'accepted is an object with "bookmarks" as the tap writes it, a STATE message, or what '
    "`meltano state get` prints"
)
_KEY, _VALUE = "replication_key", "replication_key_value"
_OURS = {
    _KEY,
    _VALUE,
    "context",
    "known",
    "partitions",
    "progress_markers",
    "refresh",
    "replication_key_signpost",
    "starting_replication_value",
    "unfinished",
    "webhooks",
}
"""The names in the state of a stream, or of a partition, as this tap and its SDK write them."""


def read_state(text: str) -> dict[str, Any]:
    """Read the text of a state file: one JSON value, or one a line, of which the last counts."""
    if not text.strip():
        return {}
    try:
        content = parse_json(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) == 1:
            raise
        content = _last(lines)
    return normalize_state(content)


def _last(lines: Sequence[str]) -> Any:  # noqa: ANN401 - anything that JSON can be
    for number, line in enumerate(lines, 1):
        content = _parse_line(line, number)
    return content


def _parse_line(line: str, number: int) -> Any:  # noqa: ANN401 - as above
    try:
        return parse_json(line)
    except ValueError as error:
        msg = f"neither as a whole nor line by line; line {number}: {error}"
        raise ValueError(msg) from None


def normalize_state(content: Any) -> dict[str, Any]:  # noqa: ANN401 - anything that JSON can be
    """Find the state in what wraps it: ``{}``, or an object with ``bookmarks``."""
    if content is None or content == {}:
        return {}
    if not isinstance(content, dict):
        msg = f"found {kind_of(content)}; {_ACCEPTED}"
        raise ValueError(msg)  # noqa: TRY004 - to the caller it is one failure
    if content.get("type") == "STATE" and "value" in content:
        return normalize_state(content["value"])
    if "singer_state" in content and content.get("bookmarks") in (None, {}):
        return normalize_state(content["singer_state"])
    if "bookmarks" in content:
        return _with_bookmarks(content["bookmarks"])
    if content.keys() <= {"completed", "partial", "completed_state", "partial_state"}:
        return _merged(content)
    what = "a message" if isinstance(content.get("type"), str) else "an object"
    names = ", ".join(list(map(str, content))[:5])
    msg = f"found {what} without bookmarks, but with {names}; {_ACCEPTED}"
    raise ValueError(msg)


def _merged(states: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what Meltano keeps apart: of runs that ended well, and of others since."""
    bookmarks: dict[str, Any] = {}
    for name in sorted(states):  # completed, then partial
        bookmarks |= normalize_state(states[name]).get("bookmarks", {})
    return {"bookmarks": bookmarks} if bookmarks else {}


def _with_bookmarks(bookmarks: object) -> dict[str, Any]:
    if bookmarks is None:
        return {}
    if not isinstance(bookmarks, dict):
        msg = f"its bookmarks are {kind_of(bookmarks)}, where an object belongs"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return {
        "bookmarks": {
            name: _of_stream(state, f"stream {name}")
            for name, state in bookmarks.items()
            if state is not None
        }
    }


def _of_stream(state: object, where: str) -> dict[str, Any]:
    """Read the state of a stream, or of a partition."""
    if isinstance(state, str) and _is_date(state):
        return {_VALUE: state}  # some old taps wrote the bookmark alone
    if not isinstance(state, dict):
        msg = f"the state of {where} is {kind_of(state)}, where an object belongs"
        raise ValueError(msg)  # noqa: TRY004 - as above
    state = {name: value for name, value in state.items() if value is not None}
    if state and not state.keys() & _OURS:
        return _by_key(state, where)
    partitions = state.pop("partitions", None)
    if partitions is not None:
        state["partitions"] = _partitions(partitions, where)
    return state


def _by_key(state: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read the state of a tap without an SDK: ``{"DATE_UPDATED_UTC": "2026-01-31"}``."""
    dates = [name for name, value in state.items() if isinstance(value, str) and _is_date(value)]
    if len(dates) != 1:
        msg = f"the state of {where} holds no bookmark, but {', '.join(list(state)[:5])}"
        raise ValueError(msg)
    return {_KEY: dates[0], _VALUE: state[dates[0]]}


def _partitions(partitions: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(partitions, list) or not all(
        isinstance(one, dict) and isinstance(one.get("context"), dict) for one in partitions
    ):
        msg = f"the partitions of {where} are no list of objects that have a context each"
        raise ValueError(msg)
    return [_of_stream(one, f"a part of {where}") for one in partitions]


def _is_date(text: str) -> bool:
    try:
        return bool(parse_moment(text))
    except ValueError:
        return False
