"""Traces and metrics of a run, for whoever has set the variables of OpenTelemetry.

Nothing is imported without them. What happens is told to a `Telemetry`, which tells nobody unless
`recording` finds a reason to send it somewhere.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tap_insightly.telemetry.listener import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SIGNALS = ("TRACES", "METRICS")
_EXTRA = "opentelemetry.exporter.otlp.proto.http"

_current = Telemetry()


def current() -> Telemetry:
    """Return whom to tell."""
    return _current


def exporters() -> dict[str, str]:
    """Say which exporter is wanted of each signal, by the variables; none where there is no reason.

    An endpoint alone is a reason, but for a signal whose exporter is ``none``.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return {}
    found = {}
    for signal in SIGNALS:
        own = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
        default = "otlp" if os.environ.get(ENDPOINT) or os.environ.get(own) else "none"
        name = os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() or default
        if name != "none":
            found[signal] = name
    return found


@contextmanager
def recording(program: str, version: str) -> Iterator[None]:
    """Send traces and metrics of what a program does, if the variables say where to.

    Whatever becomes of that, the program is not kept from its work by it.
    """
    global _current  # noqa: PLW0603 - one for the process, as sessions are opened in many places
    wanted = exporters()
    if not wanted:
        yield
        return
    if find_spec("opentelemetry") is None or find_spec(_EXTRA) is None:
        import logging  # noqa: PLC0415 - a Tab has no time for it

        logging.getLogger(__name__).debug(
            "No traces and metrics: pip install 'tap-insightly[otel]'."
        )
        yield
        return
    from tap_insightly.telemetry.otel import OpenTelemetry  # noqa: PLC0415 - an extra, and slow

    _current = telemetry = OpenTelemetry(program, version, wanted)
    try:
        with telemetry.run():
            yield
    finally:
        _current = Telemetry()
        telemetry.close()
