"""Traces and metrics, as a receiver of OTLP gets them; and no harm if there is none."""

from __future__ import annotations

import gzip
import os
import socket
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tap_insightly.sandbox import Faults
from tap_insightly.telemetry import exporters
from tests.cli.running import run_as_process
from tests.conftest import KEY, only, run_process, watch
from tests.loader.feeding import Feed, record, schema, state
from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


class Received(ThreadingHTTPServer):
    """What has come in over OTLP/HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Any] = []
        self.metrics: dict[str, dict[str, float]] = defaultdict(dict)
        """By name, and by stream; of a counter, the last value counts."""
        self.resource: dict[str, Any] = {}
        self.raw: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def named(self, name: str) -> Any:
        (span,) = [one for one in self.spans if one.name == name]
        return span

    def below(self, span: Any) -> list[Any]:
        return [one for one in self.spans if one.parent_span_id == span.span_id]

    def take(self, path: str, body: bytes) -> None:
        self.raw.append(body)
        if path == "/v1/traces":
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource = values(one.resource)
                self.spans += [span for scope in one.scope_spans for span in scope.spans]
            return
        assert path == "/v1/metrics"
        for whole in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in (one for scope in whole.scope_metrics for one in scope.metrics):
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    stream = values(point).get("insightly.stream", "")
                    self.metrics[metric.name][stream] = point.as_double or point.as_int


class Receiver(BaseHTTPRequestHandler):
    """Takes in whatever is sent."""

    server: Received

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.take(self.path, body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Log nothing."""


def values(one: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in one.attributes
    }


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    with running(Received()) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        yield server
        watch(*(body.decode(errors="replace") for body in server.raw))


def test_a_sync_is_a_span_with_one_for_each_stream_and_each_request(
    tap: Tap, sandbox: Sandbox, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    catalog = only(tap.discover(sandbox), "contacts", "users")
    sandbox.requests.clear()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    sandbox.faults = Faults(script=["503", "429", "reset"])
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0, run.stderr

    whole = received.named("tap-insightly")
    assert whole.parent_span_id == b""
    assert len({span.trace_id for span in received.spans}) == 1
    requests = [span for span in received.spans if span.kind == span.SPAN_KIND_CLIENT]
    assert len(requests) == len(sandbox.requests)
    for name in ("contacts", "users"):
        stream = received.named(f"stream {name}")
        assert stream.parent_span_id == whole.span_id
        assert values(stream)["insightly.records"] == len(run.records(name))
    assert received.below(received.named("stream contacts"))

    found = [values(span) for span in requests]
    host, _, port = sandbox.api_url.split("/")[2].partition(":")
    assert {one["server.address"] for one in found} == {host}
    assert {one["server.port"] for one in found} == {int(port)}
    assert {one["http.request.method"] for one in found} == {"GET"}
    statuses = sorted(one.get("http.response.status_code", 0) for one in found)
    assert statuses == sorted(request.status or 0 for request in sandbox.requests)
    kinds = {one["error.type"] for one in found if "error.type" in one}
    assert kinds == {"503", "429", "ConnectionError"}
    assert {one["url.full"].partition("?")[0] for one in found} == {
        f"{sandbox.api_url}{path}" for path in ("/Contacts", "/Users")
    }
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in requests)

    assert received.resource["service.name"] == "tap-insightly"
    assert received.resource["deployment.environment.name"] == "test"
    metrics = received.metrics
    for name in ("contacts", "users"):
        assert metrics["insightly.records"][name] == len(run.records(name))
    assert sum(metrics["insightly.requests"].values()) == len(sandbox.requests)
    assert sum(metrics["insightly.retries"].values()) == 3
    assert sum(metrics["insightly.answered_429"].values()) == 1
    assert metrics["insightly.quota.remaining"][""] < 100_000
    assert metrics["insightly.pace.wait"][""] >= 0


def test_a_run_that_fails_is_an_error(tap: Tap, sandbox: Sandbox, received: Received) -> None:
    run = tap(sandbox=sandbox, api_key="another")
    assert run.code == 77
    whole = received.named("tap-insightly")
    assert whole.status.code == whole.status.STATUS_CODE_ERROR
    assert values(whole)["process.exit.code"] == 77


def test_what_is_searched_for_is_not_told(
    tmp_path: Path, sandbox: Sandbox, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    email = sandbox.records("/Contacts")[0]["EMAIL_ADDRESS"]
    address = f"/Contacts/Search?field_name=EMAIL_ADDRESS&field_value={email}&top=5"
    number = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    done = run_as_process(sandbox, "api", "GET", address, folder=tmp_path)
    assert done.code == 0, done.stderr
    assert run_as_process(sandbox, "get", "contact", number, folder=tmp_path).code == 0
    names = [span.name for span in received.spans]
    assert {"insightly", "GET /Contacts/Search", "GET /Contacts/{id}"} <= set(names)
    url = values(received.named("GET /Contacts/Search"))["url.full"]
    assert url.endswith("?field_name=REDACTED&field_value=REDACTED&top=5")
    assert not any(email.encode() in body for body in received.raw)
    assert received.resource["service.name"] == "ours"


def test_the_target_tells_as_well(tmp_path: Path, sandbox: Sandbox, received: Received) -> None:
    messages = [schema("contacts", "FIRST_NAME"), record("contacts", FIRST_NAME="Ann"), state(1)]
    fed = Feed(tmp_path, sandbox)(messages)
    assert fed.code == 0, fed.stderr
    assert received.named("target-insightly")
    assert received.named("POST /Contacts")
    assert received.metrics["insightly.records"]["contacts"] == 1


@pytest.mark.parametrize("kind", ["nobody there", "hangs", "refuses"])
def test_an_endpoint_that_fails_is_no_matter_for_the_sync(
    tap: Tap, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if kind == "nobody there":
            listener.close()
        elif kind == "refuses":
            threading.Thread(target=hang_up, args=[listener], daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://me:secret@127.0.0.1:{port}")
        run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0, run.stderr
    assert len(run.records("contacts")) == 60
    assert "Traceback" not in run.stderr
    assert "secret" not in run.stderr
    lines = [line for line in run.stderr.splitlines() if "INFO" not in line]
    assert len(lines) <= 1
    assert all("Traces and metrics were not sent" in line for line in lines)


def hang_up(listener: socket.socket) -> None:
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        return


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, {}),
        ({"ENDPOINT": "x"}, {"TRACES": "otlp", "METRICS": "otlp"}),
        ({"TRACES_ENDPOINT": "x"}, {"TRACES": "otlp"}),
        ({"ENDPOINT": "x", "OTEL_METRICS_EXPORTER": "none"}, {"TRACES": "otlp"}),
        ({"OTEL_TRACES_EXPORTER": "console"}, {"TRACES": "console"}),
        ({"ENDPOINT": "x", "OTEL_SDK_DISABLED": "TRUE"}, {}),
        ({"ENDPOINT": ""}, {}),
    ],
)
def test_the_variables_say_what_is_sent(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: dict[str, str]
) -> None:
    for name, value in variables.items():
        full = name if name.startswith("OTEL_") else f"OTEL_EXPORTER_OTLP_{name}"
        monkeypatch.setenv(full, value)
    assert exporters() == wanted


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("OTEL_TRACES_EXPORTER=zipkin", "an exporter zipkin is not supported"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTLP over grpc is not supported"),
    ],
)
def test_what_is_not_supported_is_told(
    tap: Tap, received: Received, monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    monkeypatch.setenv(*variable.split("="))
    run = tap("--about")
    assert run.code == 0
    assert said in run.stderr
    assert not received.spans


def test_the_console_is_standard_error(
    tap: Tap, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    run = tap("--discover", sandbox=sandbox)
    assert '"name": "tap-insightly"' in run.stderr
    assert run.stdout.startswith("{")
    assert "trace_id" not in run.stdout


def test_without_the_variables_nothing_of_it_is_imported(tmp_path: Path, sandbox: Sandbox) -> None:
    script = (
        "import sys, atexit\n"
        "from tap_insightly.tap import TapInsightly\n"
        "atexit.register(lambda: print(*(n for n in sys.modules if 'opentelemetry' in n)))\n"
        "sys.argv = ['tap', '--config=ENV', '--discover']\n"
        "TapInsightly.cli()\n"
    )
    env = {
        **os.environ,
        "TAP_INSIGHTLY_API_KEY": KEY,
        "TAP_INSIGHTLY_API_URL": sandbox.api_url,
    }
    done = run_process([sys.executable, "-c", script], env=env, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""
