"""The line at the end of a run: what was done until then, and what that took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_insightly.api import InsightlySession


def log_run(
    logger: logging.Logger,
    session: InsightlySession,
    began: float,
    done: str,
    figures: Mapping[str, int],
) -> None:
    """Log what a run has done, however it ended.

    Args:
        logger: Where to log.
        session: What all of its requests went through.
        began: When it began, by `time.monotonic`.
        done: What was done, in words.
        figures: The same, for programs that read the log.
    """
    stats, left = session.stats, session.quota.remaining
    seconds = time.monotonic() - began
    quota = "" if left is None else f"; {left:,} requests are left today"
    cost = {
        **stats.figures,
        "seconds": round(seconds, 3),
        "requests_left": left,
    }
    logger.info(
        "%s, %s requests, %d retries, %d answered 429, %.1f seconds%s.",
        done,
        f"{stats.requests:,}",
        stats.retries,
        stats.refused,
        seconds,
        quota,
        extra={"figures": {**figures, **cost}},
    )
