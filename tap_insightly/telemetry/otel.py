"""Traces and metrics by OpenTelemetry, over OTLP/HTTP.

A span for the run, for each stream, and for each request, by the semantic conventions for HTTP
clients. No span holds the API key, nor the values of a query that can be data. Metrics are read off
the counts that there are anyway, whenever they are sent.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.trace import SpanKind, StatusCode
from typing_extensions import override

from tap_insightly.telemetry.listener import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions
    from opentelemetry.trace import Span

    from tap_insightly.api import InsightlySession, Request, RequestStats
    from tap_insightly.telemetry.listener import Figures

SECONDS_TO_SEND = 1.5  # at the end of a run; what is not sent by then is lost
LEAST_ERROR = 400
REDACTED = "REDACTED"
# Parameters whose values say how something is asked for, and nothing of anybody.
_HARMLESS = frozenset(
    {"top", "skip", "count_total", "brief", "updated_after_utc", "record_type", "include_converted"}
)
_SPAN_EXPORTERS: dict[str, Callable[[], Any]] = {
    "otlp": OTLPSpanExporter,
    "console": partial(ConsoleSpanExporter, out=sys.stderr),  # standard output has messages
}
_METRIC_EXPORTERS: dict[str, Callable[[], Any]] = {
    "otlp": OTLPMetricExporter,
    "console": partial(ConsoleMetricExporter, out=sys.stderr),
}
# The metrics that are read off the figures of streams, with their units and what they mean.
_OF_STREAMS = {
    "records": ("{record}", "Records that were read or written."),
    "requests": ("{request}", "Requests sent, repeated ones included."),
    "retries": ("{request}", "Requests sent again, because the try before had failed."),
    "answered_429": ("{request}", "Requests answered 429, as there were too many."),
}

logger = logging.getLogger(__name__)


class OpenTelemetry(Telemetry):
    """Sends it where the variables of OpenTelemetry say, in threads of its own."""

    def __init__(self, program: str, version: str, wanted: Mapping[str, str]) -> None:
        """Begin; `wanted` has the exporter of each signal."""
        # What goes wrong is told once, at the end, and not with a traceback for each try.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = _resource(program, version)
        # Nothing waits at the end of the process: `close` does, and not for long.
        self._tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
        span_exporter = _exporter("traces", wanted.get("TRACES"), _SPAN_EXPORTERS)
        if span_exporter is not None:
            self._tracing.add_span_processor(BatchSpanProcessor(span_exporter))
        metric_exporter = _exporter("metrics", wanted.get("METRICS"), _METRIC_EXPORTERS)
        readers = [PeriodicExportingMetricReader(metric_exporter)] if metric_exporter else []
        self._metering = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self._tracer = self._tracing.get_tracer("tap-insightly", version)
        self._program = program
        self._run: Span | None = None
        self._streams: dict[str, Span] = {}
        self._spans: dict[RequestStats, Span] = {}
        self._sessions: list[InsightlySession] = []
        self._figures: Figures | None = None
        self._make_instruments(version)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Make the span of the whole run."""
        self._run = self._tracer.start_span(self._program)
        try:
            yield
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
            self._run.set_attribute("process.exit.code", code)
            if code:
                self._run.set_status(StatusCode.ERROR, f"exit code {code}")
            raise
        finally:
            for name in tuple(self._streams):
                self.end_stream(name, {})
            self._run.end()

    @override
    def watch_session(self, session: InsightlySession) -> None:
        self._sessions.append(session)
        session.listener = partial(self._note_request, session.base_url)

    @override
    def watch_streams(self, figures: Figures) -> None:
        self._figures = figures

    @override
    def begin_stream(self, name: str, stats: RequestStats) -> None:
        if name not in self._streams:
            attributes = {"insightly.stream": name}
            self._streams[name] = self._tracer.start_span(
                f"stream {name}", _below(self._run), attributes=attributes
            )
        self._spans[stats] = self._streams[name]

    @override
    def end_stream(self, name: str, figures: Mapping[str, float]) -> None:
        span = self._streams.pop(name, None)
        if span is None:
            return
        span.set_attributes({f"insightly.{figure}": value for figure, value in figures.items()})
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, GeneratorExit):
            span.set_attribute(error_attributes.ERROR_TYPE, type(error).__name__)
            span.set_status(StatusCode.ERROR)
        span.end()
        self._spans = {stats: one for stats, one in self._spans.items() if one is not span}

    def close(self) -> None:
        """Send what is left, but do not wait for long."""
        # Not by the time-outs of the exporters, which begin anew with each try.
        sending = threading.Thread(target=self._shut_down, daemon=True)
        sending.start()
        sending.join(SECONDS_TO_SEND)
        if sending.is_alive():
            logger.warning(
                "Traces and metrics were not sent within %g seconds; look at %s.",
                SECONDS_TO_SEND,
                "OTEL_EXPORTER_OTLP_ENDPOINT",
            )

    def _shut_down(self) -> None:
        metering = threading.Thread(target=self._metering.shutdown, daemon=True)
        metering.start()
        self._tracing.shutdown()
        metering.join()

    # Requests

    def _note_request(
        self,
        base_url: str,
        request: Request,
        stats: RequestStats,
        seconds: float,
        status: int | None,
    ) -> None:
        """Make the span of a request that has ended just now."""
        end = time.time_ns()
        url = urlsplit(base_url)
        template = re.sub(r"/\d+(?=/|$)", "/{id}", request.path)
        attributes: dict[str, str | int] = {
            http_attributes.HTTP_REQUEST_METHOD: request.method,
            server_attributes.SERVER_ADDRESS: url.hostname or "",
            server_attributes.SERVER_PORT: url.port or (443 if url.scheme == "https" else 80),
            url_attributes.URL_FULL: base_url + request.path + _query(request.params),
            "url.template": template,
        }
        error = sys.exc_info()[1]
        if status is not None:
            attributes[http_attributes.HTTP_RESPONSE_STATUS_CODE] = status
        if error is not None:
            attributes[error_attributes.ERROR_TYPE] = type(error.__context__ or error).__name__
        elif status is not None and status >= LEAST_ERROR:
            attributes[error_attributes.ERROR_TYPE] = str(status)
        span = self._tracer.start_span(
            f"{request.method} {template}",
            _below(self._spans.get(stats, self._run)),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=end - int(seconds * 1e9),
        )
        if error_attributes.ERROR_TYPE in attributes:
            span.set_status(StatusCode.ERROR)
        span.end(end)

    # Metrics

    def _make_instruments(self, version: str) -> None:
        meter = self._metering.get_meter("tap-insightly", version)
        for name, (unit, meaning) in _OF_STREAMS.items():
            observe = partial(self._observe_streams, name)
            meter.create_observable_counter(f"insightly.{name}", [observe], unit, meaning)
        meter.create_observable_gauge(
            "insightly.quota.remaining",
            [self._observe_quota],
            "{request}",
            "Requests that are left of the day's.",
        )
        meter.create_observable_counter(
            "insightly.pace.wait",
            [self._observe_wait],
            "s",
            "How long the next request had to wait for its turn.",
        )

    def _observe_streams(self, name: str, _: CallbackOptions) -> Iterable[Observation]:
        figures = self._figures() if self._figures else {}
        for stream, one in figures.items():
            yield Observation(one.get(name, 0), {"insightly.stream": stream})
        whole = sum(one.stats.figures.get(name, 0) for one in self._sessions)
        rest = whole - sum(one.get(name, 0) for one in figures.values())
        if rest > 0:  # such as those that find out which custom fields there are
            yield Observation(rest, {})

    def _observe_quota(self, _: CallbackOptions) -> Iterable[Observation]:
        left = [one.quota.remaining for one in self._sessions if one.quota.remaining is not None]
        return [Observation(left[-1])] if left else []

    def _observe_wait(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(sum(one.rate_limiter.waited for one in self._sessions))]


def _resource(program: str, version: str) -> Resource:
    attributes = {SERVICE_VERSION: version}
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    if not named:
        attributes[SERVICE_NAME] = program
    return Resource.create(attributes)


def _exporter(signal: str, name: str | None, known: Mapping[str, Callable[[], Any]]) -> Any:  # noqa: ANN401 - of spans, or of metrics
    """Make an exporter; None if none is wanted, or it is none that is known."""
    if name is None:
        return None
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").strip()
    if name == "otlp" and protocol != "http/protobuf":
        logger.warning("No %s are sent: OTLP over %s is not supported.", signal, protocol)
        return None
    if name not in known:
        logger.warning("No %s are sent: an exporter %s is not supported.", signal, name)
        return None
    try:
        return known[name]()
    except Exception as error:  # noqa: BLE001 - whatever the variables say, the work goes on
        logger.warning("No %s are sent: %s.", signal, error)
        return None


def _below(span: Span | None) -> Any:  # noqa: ANN401 - a context
    return None if span is None else trace.set_span_in_context(span)


def _query(params: Mapping[str, str]) -> str:
    shown = {name: text if name in _HARMLESS else REDACTED for name, text in params.items()}
    return f"?{urlencode(shown)}" if shown else ""
