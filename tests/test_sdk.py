"""What the tap does in place of the SDK: just what the SDK would, and where it asks for it."""

from __future__ import annotations

import inspect
import json
import re
import threading
from copy import deepcopy
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from singer_sdk import Stream, Tap
from singer_sdk.helpers._batch import BatchConfig

from tap_insightly.sandbox import Faults
from tap_insightly.streams.base import InsightlyStream
from tap_insightly.tap import TapInsightly
from tests.conftest import KEY, entry, only

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap as Runner


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Stream, "_increment_stream_state"),
        (Stream, "_generate_record_messages"),
        (Stream, "_write_activate_version_message"),
        (Stream, "_sync_batches"),
        (Tap, "_handle_termination"),
        (Tap, "_validate_config"),
    ],
)
def test_private_methods_of_the_sdk_are_there_and_take_what_ours_take(
    owner: type[Any], name: str
) -> None:
    ours = getattr(InsightlyStream if owner is Stream else TapInsightly, name)
    theirs = getattr(owner, name)
    assert ours is not theirs
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


def contacts_of(sandbox: Sandbox, catalog: Any) -> InsightlyStream:
    config = {"api_key": KEY, "api_url": sandbox.api_url, "requests_per_second": 100}
    tap = TapInsightly(config=config, catalog=only(catalog, "contacts"))
    stream = tap.streams["contacts"]
    assert isinstance(stream, InsightlyStream)
    return stream


@pytest.mark.parametrize(
    "deselected",
    [[], [["PHONE"], ["CUSTOMFIELDS"]], [["ADDRESS_MAIL", "properties", "STREET"]]],
)
def test_messages_are_those_that_the_sdk_would_make(
    runner: Runner, shared_sandbox: Sandbox, deselected: list[list[str]]
) -> None:
    """With all selected, with some properties, and with parts of one."""
    catalog = deepcopy(runner.discover(shared_sandbox))
    contacts = entry(catalog, "contacts")
    contacts["schema"]["properties"]["ADDRESS_MAIL"] = {
        "type": ["object", "null"],
        "properties": {"STREET": {"type": "string"}, "CITY": {"type": "string"}},
    }
    known = {tuple(item["breadcrumb"]): item["metadata"] for item in contacts["metadata"]}
    known["properties", "ADDRESS_MAIL"] = {"selected": True}
    for path in (*deselected, ["ADDRESS_MAIL", "properties", "CITY"]):
        known[("properties", *path)] = {"selected": path not in deselected}
    contacts["metadata"] = [{"breadcrumb": [*at], "metadata": one} for at, one in known.items()]
    stream = contacts_of(shared_sandbox, catalog)
    rows = []
    for row in stream.get_records(None):
        if "ADDRESS_MAIL" in row:
            row["ADDRESS_MAIL"] = {"STREET": "Main Street 1", "CITY": "Bergen"}
        rows.append(row)
    assert len(rows) == shared_sandbox.count("/Contacts")
    for row in rows:
        ours, theirs = (
            [one.to_dict() for one in make(deepcopy(row))]
            for make in (
                stream._generate_record_messages,  # noqa: SLF001 - it is what is tested
                super(InsightlyStream, stream)._generate_record_messages,
            )
        )
        for message in (*ours, *theirs):
            extracted = message.pop("time_extracted")
            assert isinstance(extracted, datetime)
            assert extracted.tzinfo == timezone.utc
        assert ours == theirs
        assert set(ours[0]["record"]) <= set(stream.effective_schema["properties"])
        assert "PHONE" in row or ["PHONE"] in deselected


def test_batches_in_arrow_say_what_is_json_and_what_is_text(
    runner: Runner, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    """As the SDK's targets read them from 0.55 on, arrays are arrays."""
    contacts_stream = contacts_of(shared_sandbox, runner.discover(shared_sandbox))
    encoding = {"format": "arrow"}
    batch = {"encoding": encoding, "storage": {"root": tmp_path.as_uri()}, "batch_size": 25}
    batches = contacts_stream.get_batches(BatchConfig.from_dict(batch))
    paths = [tmp_path / Path(url).name for _, urls in batches for url in urls]
    tables = [pa.ipc.open_file(path).read_all() for path in paths]
    count = shared_sandbox.count("/Contacts")
    assert [table.num_rows for table in tables] == [25, 25, count - 50]
    for table in tables:
        types = {name: table.schema.field(name).type for name in ("TAGS", "FIRST_NAME")}
        assert types == {"TAGS": pa.json_(pa.string()), "FIRST_NAME": pa.string()}


@pytest.fixture
def runner(tap: Runner) -> Runner:
    return tap


def test_no_thread_and_no_connection_outlives_a_sync(
    runner: Runner, shared_sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    catalog = runner.discover(shared_sandbox)
    config = {"api_key": KEY, "api_url": shared_sandbox.api_url, "requests_per_second": 100}
    tap = TapInsightly(config=config, catalog=catalog)
    before = threading.active_count()
    for _ in range(2):  # a second sync of the same tap makes them anew
        run = tap.run
        tap.sync_all()
        assert threading.active_count() == before
        assert run.is_closed
        assert tap.run is not run
    assert capfd.readouterr().out.count('"type":"SCHEMA"') == 2 * len(tap.selected_streams())


def test_discovery_does_not_wait_for_one_answer_after_the_other(
    runner: Runner, sandbox: Sandbox
) -> None:
    most = 0

    def watch(_: Any) -> None:
        nonlocal most
        most = max(most, sandbox.faults.in_flight)

    sandbox.faults = Faults(latency=0.1)
    sandbox.on_request = watch
    runner.discover(sandbox)
    assert most > 2


def points(log: str, metric: str) -> list[dict[str, Any]]:
    """The SDK's metrics of one kind that were logged."""
    found = [json.loads(one) for one in re.findall(r"METRIC: (\{.*\})", log)]
    return [one for one in found if one["metric"] == metric]


def test_metrics_and_the_line_of_a_stream_say_what_it_cost(
    runner: Runner, sandbox: Sandbox
) -> None:
    for number in range(1200):
        sandbox.create("/Contacts", FIRST_NAME=f"No {number}")
    catalog = only(runner.discover(sandbox), "contacts", "users")
    sandbox.requests.clear()
    sandbox.faults = Faults(script=["ok", "429", "reset", "503"])
    run = runner(sandbox=sandbox, catalog=catalog, loglevel="DEBUG")
    assert run.code == 0, run.stderr
    sent = dict.fromkeys(("contacts", "users"), 0)
    for request in sandbox.requests:
        sent[request.path.rsplit("/", 1)[1].lower()] += 1
    for name, number in sent.items():
        counted = points(run.stderr, "http_request_count")
        assert sum(p["value"] for p in counted if p["tags"]["stream"] == name) == number
        (records,) = [p for p in points(run.stderr, "record_count") if p["tags"]["stream"] == name]
        assert records["value"] == len(run.records(name))
        assert re.search(
            rf"{name}: {len(run.records(name)):,} of {len(run.records(name)):,} records, "
            rf"{number} requests, \d retries, "
            r"\d answered 429, \d+\.\d seconds\.",
            run.stderr,
        )
    durations = points(run.stderr, "http_request_duration")
    statuses = sorted(point["tags"]["http_status_code"] for point in durations)
    assert statuses == sorted(request.status for request in sandbox.requests if request.status)
    assert {p["tags"]["status"] for p in durations} == {"succeeded", "failed"}
    assert sum(sent.values()) == len(durations) + 1, "the connection that was reset has no answer"
