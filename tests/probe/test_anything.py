"""Whatever is answered: verdicts come of it, and a report without the texts and ids of it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import Request
from tap_insightly.openapi import COMPONENTS
from tap_insightly.probe import ASSUMPTIONS, Prober, ProbeSession, anonymous, described
from tap_insightly.probe.client import ProbeLimitError, ProbeResponse, _json
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT, NUMBER = "zqqz", 987_654_321
FIELDS = sorted({name for one in COMPONENTS.values() for name in one.get("properties", ())})
HEADERS = ("X-Total-Count", "Date", "ETag", "Content-Type", "X-RateLimit-Remaining")

names = st.one_of(st.sampled_from(FIELDS), st.sampled_from([TEXT, f"{TEXT}__c"]))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([NUMBER, -NUMBER, NUMBER / 7]),
    st.sampled_from([TEXT, f"{TEXT};{TEXT}", "", "2026-01-02 03:04:05", f"2026-01-02 {TEXT}"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
bodies = st.one_of(values, st.lists(st.dictionaries(names, values, max_size=8), max_size=4))
answers = st.tuples(
    st.sampled_from([200, 200, 200, 201, 400, 403, 404, 405]),
    bodies,
    st.dictionaries(
        st.sampled_from(HEADERS),
        st.sampled_from([TEXT, "7", "", "Wed, 01 Jan 2026 00:00:00 GMT"]),
    ),
)


class Anything:
    """Answers whatever comes, for as many requests as a probe may send."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.responses: list[ProbeResponse] = []
        self.sent, self.limit = 0, 60
        self.session = SimpleNamespace(base_url="https://pod.example")
        self._answers = data.draw(st.lists(answers, min_size=1, max_size=4))

    def get(self, path: str, **params: str) -> ProbeResponse | None:
        if self.sent >= self.limit:
            raise ProbeLimitError(self.limit)
        status, content, headers = self._answers[self.sent % len(self._answers)]
        self.sent += 1
        body = json.dumps(content).encode()
        now = datetime.now(timezone.utc)
        request = Request("GET", path, params)
        self.responses.append(
            ProbeResponse("GET", request.path, params, status, headers, body, now, _json(body))
        )
        return self.responses[-1]


def session() -> ProbeSession:
    return ProbeSession("https://pod.example", KEY)


def evidence(found: Mapping[str, Any]) -> str:
    return "\n".join(one["evidence"] for one in found["assumptions"])


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_is_answered_verdicts_come_of_it_and_a_report_without_secrets(
    data: st.DataObject,
) -> None:
    prober = Prober(session())
    prober.client = Anything(data)  # type: ignore[assignment]
    try:
        prober.read()
    except Exception as error:  # noqa: BLE001 - only this one may be
        assert "does not answer as Insightly's API does" in str(error)  # noqa: PT017 - as above
    results = prober.results
    assert len(results) == len(ASSUMPTIONS)
    report = evidence(anonymous(results, prober.client.sent))
    for secret in (TEXT, str(NUMBER), f"{NUMBER:,}", str(NUMBER / 7)[:6], "2026-01-02"):
        assert secret not in report
    assert sum(described(results, 1)["verdicts"].values()) == len(ASSUMPTIONS)
