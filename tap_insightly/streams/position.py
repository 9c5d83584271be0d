"""How far a stream has been read, as its state has it: what makes any cut resumable."""

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
    """Where a stream is, from its first request to its last record, over any number of runs."""

    def __init__(self, saved: object, since: str | None, *, is_resumable: bool) -> None:
        """Take up what an earlier run left unfinished, if it fits.

        Args:
            saved: What the state holds under `UNFINISHED`; None if it holds nothing.
            since: What the search is asked for, text; None if the whole list is read.
            is_resumable: Whether the stream can be read from an id on.
        """
        self._states: list[dict[str, Any]] = []
        self._is_resumable = is_resumable
        self._data: dict[str, Any] = {"since": since}
        self.is_resumed = is_resumable and _is_position(saved, since)
        """Whether an earlier run has read a part of the list."""
        if self.is_resumed:
            self._data = dict(saved)  # type: ignore[call-overload]  # `_is_position` has looked

    def keep_in(self, state: dict[str, Any]) -> None:
        """Keep the position in a state from now on.

        Args:
            state: The state of the stream, or of one whose records are made of the same list.
        """
        self._states.append(state)
        if self.after is not None:
            state[UNFINISHED] = self._data

    def covers(self, other: Checkpoint) -> bool:
        """Tell whether whoever goes on from here reads all that there is from another position.

        Args:
            other: A position in the same list.

        Returns:
            Whether that is so.
        """
        if self.is_resumed or other.is_resumed:
            return self._data == other._data
        since, others = self._data["since"], other._data["since"]
        if since is None or others is None:
            return since is None
        return parse_moment(since) <= parse_moment(others)

    @property
    def after(self) -> int | None:
        """The last id that an earlier run has sent to the target; None if it sent none."""
        return self._data.get("last_id")

    @property
    def skip(self) -> int:
        """The offset at which that id was found."""
        return int(self._data.get("skip", 0))

    @property
    def passed(self) -> int | None:
        """How many records were read up to the last id; None if that is not known."""
        if not self.is_resumed:
            return 0
        match self._data.get("passed"):
            case [int(passed), last_id] if passed >= 0 and last_id == self.after:
                return passed
        return None

    def count(self, passed: int) -> None:
        """Take in how many records were read up to the last id.

        Args:
            passed: A number, those of earlier runs included.
        """
        self._data["passed"] = [passed, self.after]

    @property
    def ids(self) -> Sequence[object] | None:
        """Packs of all ids that earlier runs have sent; None if they did not tell."""
        told = self._data.get("ids") if self.is_resumed else []
        return told if isinstance(told, list) else None

    def remember(self, ids: str | None) -> None:
        """Take in which ids were sent.

        Args:
            ids: A pack of those that were sent since the last time; None if nobody keeps them.
        """
        if ids is None:
            self._data.pop("ids", None)
        else:
            self._data.setdefault("ids", []).append(ids)

    def begin(self, moment: str | None) -> None:
        """Take in when the first request was answered, unless an earlier run began before.

        Args:
            moment: The moment by the server's clock, as bookmarks are written; None if unknown.
        """
        self._data.setdefault("began", moment)

    @property
    def began(self) -> datetime | None:
        """When the first request was answered; None if that is not known."""
        try:
            return parse_moment(self._data["began"])
        except (KeyError, TypeError, ValueError, AttributeError):
            return None  # anyone may have edited the state

    def move(self, last_id: object, skip: int, value: object) -> None:
        """Take in that a record has been sent to the target.

        Args:
            last_id: Its id.
            skip: The offset of its page.
            value: Its bookmark value.
        """
        data, last = self._data, self.after
        is_late = type(last_id) is type(last) is int and last_id < last
        if not is_late:  # if it is, those up to the last id have been sent all the same
            data["last_id"] = last_id
            data["skip"] = skip
        if isinstance(value, str) and value > (data.get("newest") or ""):
            data["newest"] = value
        if self._is_resumable:
            for state in self._states:
                state[UNFINISHED] = data

    def stay(self) -> None:
        """Take in that a later run cannot go on from here, as when ids do not ascend."""
        self._is_resumable = False
        self._forget()

    def end(self) -> str | None:
        """Take in that the stream has been read to its end.

        Returns:
            The bookmark: the newest value that was sent, but not later than the first answer,
            because what was changed after that may have been missed. None if there was no record,
            or if the server told no time to go by.
        """
        self._forget()
        newest, began = self._data.get("newest"), self._data.get("began")
        return min(newest, began) if newest and began else None

    def _forget(self) -> None:
        for state in self._states:
            state.pop(UNFINISHED, None)


def _is_position(saved: object, since: str | None) -> TypeGuard[dict[str, Any]]:
    """Tell whether something out of a state, which anyone may have edited, can be gone on from."""
    if not isinstance(saved, dict) or saved.get("since", "") != since:
        return False
    numbers = [saved.get(name) for name in ("last_id", "skip")]
    texts = [saved[name] for name in ("began", "newest") if saved.get(name) is not None]
    return all(type(number) is int and number >= 0 for number in numbers) and all(
        isinstance(text, str) for text in texts
    )
