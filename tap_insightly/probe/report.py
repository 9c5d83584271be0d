"""What came of a probe: all of it for the owner of the account, and what anybody may see."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tap_insightly.connection import package_version
from tap_insightly.probe.verdict import Private, Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.probe.prober import Result


def described(results: Sequence[Result], requests: int) -> dict[str, Any]:
    """Describe what came of a probe, for the owner of the account."""
    return _described(results, requests, lambda verdict: verdict.text)


def anonymous(results: Sequence[Result], requests: int) -> dict[str, Any]:
    """Describe what came of a probe, for anybody: no name, text or id of the account is in it."""
    return _described(results, requests, _Numbers().text)


class _Numbers:
    """Gives each name out of an account a number, and always the same."""

    def __init__(self) -> None:
        self._known: dict[Private, int] = {}
        self._last: Counter[str] = Counter()

    def text(self, verdict: Verdict) -> str:
        return "".join(
            self._number(part) if isinstance(part, Private) else Verdict(verdict.word, (part,)).text
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
    words = Counter(one.verdict.word for one in results)
    return {
        "version": package_version(),
        "requests": requests,
        "verdicts": {word.value: words[word] for word in Word},
        "assumptions": [
            {
                "id": one.assumption.id,
                "assumption": one.assumption.text,
                "verdict": one.verdict.word.value,
                "evidence": text_of(one.verdict),
                "relied_on_in": sorted({*one.assumption.said_in, *one.assumption.relied_on}),
            }
            for one in results
        ],
    }
