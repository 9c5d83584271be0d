"""How far a list has been read, as the state has it: what makes any cut resumable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

UNFINISHED = "unfinished"
"""The key in a stream's state. What is under it:

- ``since``: what the search was asked for, None for a whole list. It has to be the same still.
- ``began``: the moment, by the server's clock, at which the first request was answered.
- ``last_id``: the last id that was sent to the target.
- ``skip``: the offset of the page that held it.
- ``passed``: how many records were read up to a last id, and that id.
- ``newest``: the newest bookmark value that was sent to the target.
- ``ids``: all ids that were sent, in packs; only if it is to be found out what is gone.
"""


class Checkpoint:
    """Where a sync is in a list, from the first request to the last record, over all runs."""

    def __init__(self, saved: object, since: str | None, *, is_resumable: bool) -> None:
        """Take up what an earlier run left under `UNFINISHED`, if it was asked for the same.

        `is_resumable` says whether the list can be read from an id on.
        """
        self._states: list[dict[str, Any]] = []
        self._is_resumable = is_resumable
        self._data: dict[str, Any] = {"since": since}
        self.is_resumed = is_resumable and _is_checkpoint(saved, since)
        """Whether an earlier run has read a part of the list."""
        if self.is_resumed:
            self._data = dict(saved)  # type: ignore[call-overload]  # `_is_checkpoint` has looked

    def keep_in(self, state: dict[str, Any]) -> None:
        """Write it to a state from now on: of the stream, or of one made of the same list."""
        self._states.append(state)
        if self.last_id is not None:
            state[UNFINISHED] = self._data

    def covers(self, other: Checkpoint) -> bool:
        """Tell whether going on from here reads all that going on from the other would read."""
        if self.is_resumed or other.is_resumed:
            return self._data == other._data
        since, others = self._data["since"], other._data["since"]
        if since is None or others is None:
            return since is None
        return parse_moment(since) <= parse_moment(others)

    @property
    def last_id(self) -> int | None:
        """The last id that was sent to the target; None if none was."""
        return self._data.get("last_id")

    @property
    def skip(self) -> int:
        """The offset at which that id was found."""
        return int(self._data.get("skip", 0))

    @property
    def passed(self) -> int | None:
        """How many records earlier runs read up to the last id; None if that is not known."""
        if not self.is_resumed:
            return 0
        match self._data.get("passed"):
            case [int(passed), last_id] if passed >= 0 and last_id == self.last_id:
                return passed
        return None

    def set_passed(self, count: int) -> None:
        """Note how many records all runs have read up to the last id."""
        self._data["passed"] = [count, self.last_id]

    @property
    def sent_ids(self) -> Sequence[object] | None:
        """Packs of all ids that earlier runs have sent; None if they did not keep them."""
        packs = self._data.get("ids") if self.is_resumed else []
        return packs if isinstance(packs, list) else None

    def add_sent_ids(self, pack: str) -> None:
        """Keep a pack of ids that were sent since the last one."""
        self._data.setdefault("ids", []).append(pack)

    def drop_sent_ids(self) -> None:
        """Note that nobody keeps the ids that are sent."""
        self._data.pop("ids", None)

    def begin(self, moment: str | None) -> None:
        """Note when the first request was answered, unless an earlier run began before."""
        self._data.setdefault("began", moment)

    @property
    def began(self) -> datetime | None:
        """When the first request was answered; None if that is not known."""
        try:
            return parse_moment(self._data["began"])
        except (KeyError, TypeError, ValueError, AttributeError):
            return None  # anyone may have edited the state

    def advance(self, last_id: object, skip: int, bookmark_value: object) -> None:
        """Note that a record of the page at `skip` has been sent to the target."""
        data, last = self._data, self.last_id
        is_late = type(last_id) is type(last) is int and last_id < last
        if not is_late:  # if it is, those up to the last id have been sent all the same
            data["last_id"] = last_id
            data["skip"] = skip
        if isinstance(bookmark_value, str) and bookmark_value > (data.get("newest") or ""):
            data["newest"] = bookmark_value
        if self._is_resumable:
            for state in self._states:
                state[UNFINISHED] = data

    def give_up(self) -> None:
        """Note that a later run cannot go on from here, as when ids do not ascend."""
        self._is_resumable = False
        self._remove()

    def finish(self) -> str | None:
        """Note that the list has been read to its end, and say what the bookmark is.

        It is the newest value that was sent, but not later than the first answer, because what was
        changed after that may have been missed. None if there was no record, or if the server told
        no time to go by.
        """
        self._remove()
        newest, began = self._data.get("newest"), self._data.get("began")
        return min(newest, began) if newest and began else None

    def _remove(self) -> None:
        for state in self._states:
            state.pop(UNFINISHED, None)


def _is_checkpoint(saved: object, since: str | None) -> TypeGuard[dict[str, Any]]:
    """Tell whether something out of a state, which anyone may have edited, can be gone on from."""
    if not isinstance(saved, dict) or saved.get("since", "") != since:
        return False
    numbers = [saved.get(name) for name in ("last_id", "skip")]
    texts = [saved[name] for name in ("began", "newest") if saved.get(name) is not None]
    return all(type(number) is int and number >= 0 for number in numbers) and all(
        isinstance(text, str) for text in texts
    )
