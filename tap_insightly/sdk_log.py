"""What the SDK logs of itself, out of the way of what a run has to tell."""

from __future__ import annotations

import logging
from pathlib import Path

import singer_sdk
from typing_extensions import override

_SDK = str(Path(singer_sdk.__file__).parent)


class SDKAtDebug(logging.Filter):
    """Takes for DEBUG what the SDK logs at INFO: five lines a stream, and one for each request.

    Only its version stays, which is the first thing to be asked if something is wrong.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        is_of_sdk = record.pathname.startswith(_SDK) and record.funcName != "print_version"
        if record.levelno == logging.INFO and is_of_sdk:
            record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        # Not by its own logger: that of the metrics is kept at INFO by the SDK.
        return not is_of_sdk or logging.root.isEnabledFor(record.levelno)


def quieten() -> None:
    """Have all handlers of the log do so."""
    for handler in logging.root.handlers:
        if not any(isinstance(one, SDKAtDebug) for one in handler.filters):
            handler.addFilter(SDKAtDebug())
