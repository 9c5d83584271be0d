"""How long requests took, as the SDK's metrics."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics

if TYPE_CHECKING:
    from singer_sdk import Stream

    from tap_insightly.api import RequestStats


def log_timings(stats: RequestStats, stream: Stream, endpoint: str) -> None:
    """Log those that were answered since the last time."""
    for seconds, status in stats.timings():
        is_good = status < HTTPStatus.BAD_REQUEST
        tags: dict[str, Any] = {
            metrics.Tag.STREAM: stream.name,
            metrics.Tag.ENDPOINT: endpoint,
            metrics.Tag.HTTP_STATUS_CODE: status,
            metrics.Tag.STATUS: metrics.Status.SUCCEEDED if is_good else metrics.Status.FAILED,
        }
        point = metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, seconds, tags)
        metrics.log(stream.metrics_logger, point)
