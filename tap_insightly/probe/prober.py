"""Asks an account about all assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tap_insightly.api import InsightlyError
from tap_insightly.probe import addresses, custom, lists, searches, shapes  # noqa: F401 - register
from tap_insightly.probe.account import ProbedAccount
from tap_insightly.probe.assumed import ASSUMPTIONS
from tap_insightly.probe.client import (
    MOST_READ,
    MOST_WRITTEN,
    ProbeClient,
    ProbeLimitError,
    ProbeSession,
)
from tap_insightly.probe.registry import in_order
from tap_insightly.probe.trial import TrialContact
from tap_insightly.probe.verdict import Assumption, Verdict, unseen
from tap_insightly.probe.writing_checks import VALUES, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_ASKED = unseen("It was not asked any more.")
NEEDS_WRITING = unseen("That takes a record of its own: --write.")
# An answer can be anything; a check that fails over one has seen nothing.
_CHECK_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Result:
    """An assumption and its verdict."""

    assumption: Assumption
    verdict: Verdict


class Prober:
    """Asks an account about all assumptions; results can be read at any moment."""

    def __init__(self, session: ProbeSession) -> None:
        self.client = ProbeClient(session, MOST_READ)
        self.left: list[str] = []
        """What was created and could not be deleted, a sentence with the id each."""
        self._verdicts: dict[str, Verdict] = {}
        self._is_writing = False

    @property
    def results(self) -> list[Result]:
        """All assumptions, with the verdicts so far."""
        return [Result(one, self._verdict(one)) for one in ASSUMPTIONS]

    @property
    def has_found(self) -> bool:
        """Whether there is any verdict yet."""
        return bool(self._verdicts)

    def read(self) -> None:
        """Make the checks that only read."""
        account = ProbedAccount(self.client)
        if not _has_lists(account):
            msg = (
                f"{self.client.session.base_url} does not answer as Insightly's API does: none of "
                "its lists is there. Check pod, api_url and api_version."
            )
            raise InsightlyError(msg)
        for name, check in in_order(one.id for one in ASSUMPTIONS):
            self._verdicts[name] = _run_check(partial(check, account))

    def write(self) -> None:
        """Create a contact, make the checks that write, and delete it."""
        self._is_writing = True
        self.client.limit = self.client.sent + MOST_WRITTEN
        trial = TrialContact(self.client, VALUES)
        try:
            with trial:
                for name, check in WRITTEN.items():
                    self._verdicts[name] = _run_check(partial(check, trial))
        finally:
            self.left = trial.left

    def _verdict(self, assumption: Assumption) -> Verdict:
        if assumption.why_not:
            return unseen(assumption.why_not)
        if assumption.id in WRITTEN and not self._is_writing:
            return NEEDS_WRITING
        return self._verdicts.get(assumption.id, NOT_ASKED)


def _has_lists(account: ProbedAccount) -> bool:
    try:
        return bool(account.readable)
    except ProbeLimitError:
        return True


def _run_check(check: Callable[[], Verdict]) -> Verdict:
    try:
        return check()
    except ProbeLimitError as error:
        return unseen(str(error))
    except _CHECK_ERRORS as error:
        return unseen(
            f"The answers are of a kind that this check cannot read ({type(error).__name__})."
        )
