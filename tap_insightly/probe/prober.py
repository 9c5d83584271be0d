"""Asks an account about all assumptions, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tap_insightly.api import InsightlyError
from tap_insightly.probe import addresses, custom, lists, searching, shapes  # noqa: F401 - register
from tap_insightly.probe.account import Account
from tap_insightly.probe.asking import MOST_READ, MOST_WRITTEN, Asker, ListeningSession, NoMoreError
from tap_insightly.probe.assumed import ASSUMPTIONS
from tap_insightly.probe.checking import in_order
from tap_insightly.probe.trial import Trial
from tap_insightly.probe.verdict import Assumption, Verdict, unseen
from tap_insightly.probe.written import VALUES, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_ASKED = unseen("It was not asked any more.")
NEEDS_WRITING = unseen("That takes a record of its own: --write.")
# What was answered can be anything; a check that stumbles over it has seen nothing.
_STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Result:
    """An assumption, and what came of asking about it."""

    assumption: Assumption
    verdict: Verdict


class Prober:
    """Asks an account about all assumptions; what was found so far can be had at any moment."""

    def __init__(self, session: ListeningSession) -> None:
        """Get ready; nothing is asked yet."""
        self.asker = Asker(session, MOST_READ)
        self.left: list[str] = []
        """What was made and could not be deleted, a sentence each, with the id."""
        self._found: dict[str, Verdict] = {}
        self._is_writing = False

    @property
    def results(self) -> list[Result]:
        """All assumptions, with what was found so far."""
        return [Result(one, self._verdict(one)) for one in ASSUMPTIONS]

    @property
    def has_found(self) -> bool:
        """Whether anything was found so far."""
        return bool(self._found)

    def read(self) -> None:
        """Ask all that can be asked without writing anything."""
        account = Account(self.asker)
        if not _known(lambda: account.readable):
            msg = (
                f"{self.asker.session.base_url} does not answer as Insightly's API does: none of "
                "its lists is there. Check pod, api_url and api_version."
            )
            raise InsightlyError(msg)
        for name, check in in_order(one.id for one in ASSUMPTIONS):
            self._found[name] = _verdict_of(partial(check, account))

    def write(self) -> None:
        """Make a contact, find out with it what takes writing, and delete it."""
        self._is_writing = True
        self.asker.limit = self.asker.sent + MOST_WRITTEN
        trial = Trial(self.asker, VALUES)
        try:
            with trial:
                for name, check in WRITTEN.items():
                    self._found[name] = _verdict_of(partial(check, trial))
        finally:
            self.left = trial.left

    def _verdict(self, assumption: Assumption) -> Verdict:
        if assumption.why_not:
            return unseen(assumption.why_not)
        if assumption.id in WRITTEN and not self._is_writing:
            return NEEDS_WRITING
        return self._found.get(assumption.id, NOT_ASKED)


def _known(ask: Callable[[], object]) -> bool:
    try:
        return bool(ask())
    except NoMoreError:
        return True


def _verdict_of(check: Callable[[], Verdict]) -> Verdict:
    try:
        return check()
    except NoMoreError as error:
        return unseen(str(error))
    except _STUMBLES as error:
        return unseen(
            f"The answers are of a kind that this check cannot read ({type(error).__name__})."
        )
