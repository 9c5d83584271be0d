"""``insightly probe``: what it asks, what it shows, what it leaves behind, and what it keeps."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InsightlyError
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.openapi import COMPONENTS
from tap_insightly.probe import ASSUMPTIONS, MOST_READ, MOST_WRITTEN, Outcome, anonymous, described
from tap_insightly.probe.shapes import STATES
from tap_insightly.sandbox import Faults
from tap_insightly.values import EMPTY_DATES
from tests.cli.running import run, run_as_process, start
from tests.conftest import KEY, new_sandbox, watch
from tests.probe.twisting import Exchange, Twist, probing, twisted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.probe import Prober
    from tap_insightly.sandbox import Sandbox

SECRET = re.compile(r"[Zz]q[0-9a-f]+")


def texts(value: Any) -> Iterator[str]:
    """All texts and numbers in a JSON value, and the names of custom fields."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)


def fields_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The definitions of all custom fields."""
    return [one for own in sandbox.custom_fields.values() for one in own.definitions]


def public() -> set[str]:
    """What may be in a report although records hold it too: words of the API itself."""
    words = {obj.name for obj in standard_objects()} | {obj.path[1:] for obj in standard_objects()}
    for component in COMPONENTS.values():
        words |= set(component.get("properties", ()))
    own = " ".join(f"{one.text} {one.why_not}" for one in ASSUMPTIONS)
    return words | set(re.findall(r"\w+", own))


def test_no_more_is_asked_than_was_promised() -> None:
    for plan in ("enterprise", "professional"):
        with new_sandbox(plan=plan).serve() as sandbox:
            done = run(sandbox, "probe", "--json")
            assert done.code == 0
            assert {one.method for one in sandbox.requests} == {"GET"}
            assert done.json["requests"] == len(sandbox.requests) <= MOST_READ


@pytest.mark.parametrize("rate", [0.3, 1])
def test_what_fails_and_is_asked_again_counts_too(rate: float) -> None:
    with twisted() as sandbox, probing(sandbox) as prober:
        prober.client.get("/Instance")  # the account is there
        sandbox.faults.error_rate = rate
        with suppress(InsightlyError):
            prober.read()
        assert len(sandbox.requests) == prober.client.sent <= MOST_READ
        assert not [one for one in prober.results if one.verdict.outcome is Outcome.DOES_NOT]


def test_everything_that_was_made_is_gone_again() -> None:
    with new_sandbox().serve() as sandbox:
        before = {path: sandbox.count(path) for path in sandbox.paths}
        done = run(sandbox, "probe", "--write", "--yes", "--json")
        assert done.code == 0
        assert {path: sandbox.count(path) for path in sandbox.paths} | {"/Tags": 0} == before | {
            "/Tags": 0
        }
        made = [one for one in sandbox.requests if one.path.lower().endswith("/contacts")]
        assert [one.method for one in made].count("POST") == 1
        assert len(sandbox.requests) <= MOST_READ + MOST_WRITTEN


def test_writing_asks_first() -> None:
    with new_sandbox().serve() as sandbox:
        done = run(sandbox, "probe", "--write")
        assert (done.code, done.stdout) == (2, "")
        assert "needs --yes" in done.stderr
        assert not sandbox.requests


class Stop(SystemExit):
    """Stands for Ctrl-C."""


def stopping(prober: Prober, sandbox: Sandbox, at: int, times: int) -> None:
    """Press Ctrl-C instead of sending a request, and again instead of the next ones."""
    session, pressed = prober.client.session, 0
    send = session.send

    def stopped(*args: Any) -> Any:
        nonlocal pressed
        if len(sandbox.requests) >= at and pressed < times:
            pressed += 1
            raise Stop
        return send(*args)

    session.send = stopped  # type: ignore[method-assign]


@pytest.mark.parametrize("at", range(MOST_READ, MOST_READ + 44, 3))
def test_the_contact_is_deleted_wherever_it_is_stopped(at: int) -> None:
    with twisted() as sandbox, probing(sandbox) as prober:
        before = sandbox.count("/Contacts"), sandbox.count("/Notes")
        prober.read()
        stopping(prober, sandbox, at, 1)
        with suppress(Stop):
            prober.write()
        assert (sandbox.count("/Contacts"), sandbox.count("/Notes")) == before
        assert not [one for one in prober.left if one.startswith("/")]


@pytest.mark.parametrize("at", range(MOST_READ, MOST_READ + 44, 7))
@pytest.mark.parametrize("times", [2, 3, 4])
def test_whoever_stops_the_deletion_too_is_told_what_is_left(at: int, times: int) -> None:
    with twisted() as sandbox, probing(sandbox) as prober:
        before = sandbox.count("/Contacts")
        prober.read()
        stopping(prober, sandbox, at, times)
        with suppress(Stop):
            prober.write()
        if sandbox.count("/Contacts") > before:
            contact = sandbox.records("/Contacts")[-1]["CONTACT_ID"]
            said = f"/Contacts/{contact} could not be deleted. Delete it by hand."
            assert said in prober.left


def lost(one: Exchange) -> None:
    if one.method == "POST" and one.path == "/Contacts":
        one.refuse(500)


def test_a_contact_whose_answer_was_lost_is_deleted_too() -> None:
    with twisted(Twist(after=lost)) as sandbox, probing(sandbox) as prober:
        before = sandbox.count("/Contacts")
        with pytest.raises(InsightlyError, match="may have been done"):
            prober.write()
        assert sandbox.count("/Contacts") == before
        assert prober.left == []


def kept(one: Exchange) -> None:
    if one.method == "DELETE" and one.path.startswith("/Contacts"):
        one.path = "/NoSuchThing"


def refused(one: Exchange) -> None:
    if one.method == "DELETE":
        one.refuse(417)


def test_what_cannot_be_deleted_is_said_with_its_id(tmp_path: Path) -> None:
    with twisted(Twist(before=kept, after=refused)) as sandbox:
        path = tmp_path / "probe.json"
        done = run(sandbox, "probe", "--write", "--yes", "--report", path)
        contact = sandbox.records("/Contacts")[-1]
        assert contact["FIRST_NAME"] == "Probe"
        assert done.code == 2
        assert f"Error: /Contacts/{contact['CONTACT_ID']} could not be deleted." in done.stderr
        assert str(contact["CONTACT_ID"]) not in path.read_text()


def test_an_assumption_that_does_not_hold_is_exit_code_1() -> None:
    def change(one: Exchange) -> None:
        one.headers.pop("Etag", None)

    with twisted(Twist(after=change)) as sandbox:
        done = run(sandbox, "probe")
    assert done.code == 1
    first = done.lines[2]
    assert first.startswith("does not")
    assert "A record of /Contacts is answered without." in first
    assert ", 1 do not, " in done.lines[-1]


def test_an_account_that_cannot_be_asked_is_told_of_by_the_exit_code(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    for args, settings, words, code in (
        ((), {"api_key": "wrong"}, "did not accept the API key", 77),
        ((), {"api_url": "http://127.0.0.1:9/v3.1"}, "no connection to 127.0.0.1:9", 75),
        (("--json",), {"api_version": "x"}, "api_version", 2),
    ):
        done = run_as_process(shared_sandbox, "probe", *args, folder=tmp_path, **settings)
        assert (done.code, done.stdout) == (code, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_a_quota_that_runs_out_leaves_what_was_found_so_far() -> None:
    with new_sandbox().serve() as sandbox:
        sandbox.faults = Faults(daily_quota=52)
        done = run(sandbox, "probe", "--json")
    assert done.code == 75
    assert "The day's API requests are used up" in done.stderr
    assert done.json["verdicts"]["holds"] > 5
    assert done.json["verdicts"]["does not"] == 0


def test_ctrl_c_leaves_what_was_found_so_far(tmp_path: Path) -> None:
    with new_sandbox().serve() as sandbox:
        with start(sandbox, "probe", "--json", folder=tmp_path) as process:

            def stop(_: object) -> None:
                if len(sandbox.requests) == 55:
                    os.kill(process.pid, signal.SIGINT)

            sandbox.on_request = stop
            sandbox.faults = Faults(latency=0.02)
            out, err = process.communicate(timeout=60)
        watch(out, err)
    assert process.returncode == 130
    assert "Traceback" not in err
    found = json.loads(out)
    assert found["verdicts"]["holds"] > 5
    assert sum(found["verdicts"].values()) == len(ASSUMPTIONS)
    assert any(one["evidence"] == "It was not asked any more." for one in found["assumptions"])


def test_a_page_of_somebody_else_is_no_account() -> None:
    with twisted() as sandbox:
        sandbox.faults = Faults(body=b"<html>Sign in</html>")
        done = run(sandbox, "probe")
    assert (done.code, done.stdout) == (2, "")
    assert "does not answer as Insightly's API does" in done.stderr


def reports(prober: Prober) -> tuple[str, str]:
    """What the owner of the account sees, and what others do; of the evidence alone."""
    both = (described(prober.results, 60), anonymous(prober.results, 60))
    owner, others = ([one["evidence"] for one in two["assumptions"]] for two in both)
    return "\n".join(owner), "\n".join(others)


def test_nothing_that_is_in_records_is_in_the_report() -> None:
    with twisted() as sandbox, probing(sandbox) as prober:
        prober.read()
        prober.write()
        _, report = reports(prober)
        known, values = public(), set()
        for path in sandbox.paths:
            for record in sandbox.records(path):
                values |= {text for text in texts(record) if len(text) > 3}
        for one in fields_of(sandbox):
            values |= {str(one["FIELD_NAME"]), str(one["FIELD_LABEL"])}
        found = {value for value in values - known if re.search(rf"\b{re.escape(value)}\b", report)}
        types = {str(one["FIELD_TYPE"]) for one in fields_of(sandbox)}
        owners = {str(one["FIELD_FOR"]) for one in fields_of(sandbox)}
        states = {"SOLVED", "CLOSED", *STATES}
        # All of these are words of the API: types, names of its objects, what stands for no date.
        assert found <= types | {one for one in owners if "__" not in one} | states | EMPTY_DATES


def marked(one: Exchange) -> None:
    """Put a mark in every text, name of a custom field, unknown field and error of an account."""
    number = iter(range(10**6))

    def mark(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: mark(inner, key) for key, inner in value.items()} | {
                f"Zq{next(number):x}": "zq1"
            }
        if isinstance(value, list):
            return [mark(inner, name) for inner in value]
        is_date = "DATE" in name
        if isinstance(value, str) and not is_date and name != "OBJECT_NAME":
            return f"Zq{next(number):x}{value} zq1"
        return value

    one.data = mark(one.data)


def misspelled(one: Exchange) -> None:
    """Put a mark also where dates and keys are expected."""
    marked(one)
    for row in one.rows:
        for name in [name for name in row if "DATE" in name or name.endswith("_ID")]:
            if len(name) % 2:
                row[name] = f"zq{len(name):x} {row[name]}"


@pytest.mark.parametrize("change", [marked, misspelled])
def test_whatever_an_account_has_its_report_has_none_of_it(change: Any) -> None:
    with twisted(Twist(after=change)) as sandbox, probing(sandbox) as prober:
        prober.read()
        owner, report = reports(prober)
    assert SECRET.search(owner), "to the owner, names are shown"
    assert not SECRET.search(report)
    assert "unknown field 1" in report
    assert "type 1" in report
    assert "custom field 1" in report


def test_the_file_has_neither_key_nor_address(tmp_path: Path) -> None:
    path = tmp_path / "probe.json"
    with new_sandbox().serve() as sandbox:
        done = run(sandbox, "probe", "--report", path, "--write", "--yes")
        port = sandbox.api_url.split(":")[2].split("/")[0]
    text = path.read_text()
    assert done.code == 0
    assert len(json.loads(text)["assumptions"]) == len(ASSUMPTIONS)
    for word in (KEY, "127.0.0.1", port, "na1", "://"):
        assert word not in text
    assert not re.search(r"\b[37][0-9]{8}\b", text), "no id"


def test_a_report_that_cannot_be_written_is_told(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    done = run_as_process(
        shared_sandbox, "probe", "--report", tmp_path / "no" / "file", folder=tmp_path
    )
    assert done.code == 2
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_probing_does_not_need_a_terminal_nor_more_than_a_python(tmp_path: Path) -> None:
    code = "import tap_insightly.cli.commands.probe, sys; sys.exit('starlette' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)  # noqa: S603
    assert done.returncode == 0
