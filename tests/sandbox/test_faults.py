"""The sandbox goes wrong on request, in just the way that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tap_insightly.sandbox import Faults
from tests.conftest import KEY

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def ask(sandbox: Sandbox, path: str = "/Contacts", seconds: float = 60) -> requests.Response:
    return requests.get(sandbox.api_url + path, auth=(KEY, ""), timeout=seconds)


def test_statuses_in_order(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["500", "429", "ok", "403"], retry_after=2)
    answers = [ask(sandbox) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [500, 429, 200, 403, 200]
    assert answers[1].headers["Retry-After"] == "2"


def test_a_reset_connection(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["reset"])
    with pytest.raises(requests.ConnectionError):
        ask(sandbox)
    assert ask(sandbox).status_code == 200


def test_a_body_that_is_cut_off(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["truncate"])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(sandbox)


def test_a_page_of_html(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["html"])
    answer = ask(sandbox)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<html>")


def test_an_answer_that_does_not_come(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["hang"], hang_seconds=5)
    with pytest.raises(requests.ReadTimeout):
        ask(sandbox, seconds=0.2)


def test_a_used_up_quota(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(daily_quota=2)
    answers = [ask(sandbox) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "0"]


def test_objects_out_of_reach(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(forbidden={"/Notes"}, missing={"/Leads"}, not_allowed={"/Tasks"})
    found = [ask(sandbox, path).status_code for path in ("/Notes", "/Leads", "/Tasks", "/Events")]
    assert found == [403, 404, 405, 200]


def test_more_at_once_than_allowed(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(max_in_flight=0)
    assert ask(sandbox).status_code == 429


def test_more_a_second_than_allowed(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(requests_per_second=0.5)
    assert ask(sandbox).status_code == 200  # the first of its second
    sandbox.faults.requests_per_second = 0  # so that the test needs no second of its own
    assert ask(sandbox).status_code == 429


def test_rates_are_shares_of_requests(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(error_rate=0.5)
    bad = sum(ask(sandbox, "/Instance").status_code >= 500 for _ in range(100))
    assert 30 < bad < 70  # the seed makes it the same number each time
    sandbox.faults = Faults(html_rate=1)
    assert ask(sandbox).headers["Content-Type"] == "text/html"


def test_no_date(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(no_date_header=True)
    assert "Date" not in ask(sandbox).headers


def test_statuses_of_one_path_always_or_a_number_of_times(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(statuses={"/Leads": 500, "/Notes": [503, None, 408]}, retry_after=2)
    assert [ask(sandbox, "/Leads").status_code for _ in range(3)] == [500] * 3
    answers = [ask(sandbox, "/Notes") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 200, 408, 200]
    assert answers[0].headers["Retry-After"] == "2"
    assert ask(sandbox).status_code == 200


def test_a_status_of_a_path_comes_before_anything_is_done(sandbox: Sandbox) -> None:
    key = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    sandbox.faults = Faults(statuses={"/Contacts/{id}": [500], "/CustomFields": 403})
    url = f"{sandbox.api_url}/Contacts/{key}"
    codes = [requests.delete(url, auth=(KEY, ""), timeout=60).status_code for _ in range(3)]
    assert codes == [500, 202, 404]
    assert ask(sandbox, "/CustomFields/Contact").status_code == 403
