"""The result of a probe: for the owner of the account, and for anybody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tap_insightly.connection import package_version
from tap_insightly.probe.verdict import Outcome, Private, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.probe.prober import Result


def described(results: Sequence[Result], requests: int) -> dict[str, Any]:
    """Describe the result for the owner of the account, as a JSON object."""
    return _described(results, requests, lambda verdict: verdict.text)


def anonymous(results: Sequence[Result], requests: int) -> dict[str, Any]:
    """Describe the result for anybody: it has no name, text or id of the account."""
    return _described(results, requests, _Numbers().text)


class _Numbers:
    """Replaces each name out of an account by a number, always by the same."""

    def __init__(self) -> None:
        self._known: dict[Private, int] = {}
        self._last: Counter[str] = Counter()

    def text(self, verdict: Verdict) -> str:
        return "".join(
            self._number(part)
            if isinstance(part, Private)
            else Verdict(verdict.outcome, (part,)).text
            for part in verdict.evidence
        )

    def _number(self, name: Private) -> str:
        if name not in self._known:
            self._last[name.kind] += 1
            self._known[name] = self._last[name.kind]
        return f"{name.kind} {self._known[name]}"


def _described(
    results: Sequence[Result], requests: int, text_of: Callable[[Verdict], str]
) -> dict[str, Any]:
    words = Counter(one.verdict.outcome for one in results)
    return {
        "version": package_version(),
        "requests": requests,
        "verdicts": {word.value: words[word] for word in Outcome},
        "assumptions": [
            {
                "id": one.assumption.id,
                "assumption": one.assumption.text,
                "verdict": one.verdict.outcome.value,
                "evidence": text_of(one.verdict),
                "relied_on_in": sorted({*one.assumption.said_in, *one.assumption.relied_on}),
            }
            for one in results
        ],
    }
