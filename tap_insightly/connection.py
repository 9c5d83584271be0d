"""From settings to a connection, for all that talks to Insightly."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

from tap_insightly.api import InsightlySession, base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

Session = TypeVar("Session", bound=InsightlySession)


def open_session(config: Mapping[str, Any], program: str) -> InsightlySession:
    """Make a session of settings; nothing is sent yet."""
    return open_session_of(InsightlySession, config, program)


def open_session_of(kind: type[Session], config: Mapping[str, Any], program: str) -> Session:
    """Make a session of a kind."""
    return kind(
        base_url(config["pod"], config.get("api_url"), config["api_version"]),
        config["api_key"],
        requests_per_second=config["requests_per_second"],
        max_concurrency=config["max_concurrency"],
        request_timeout=config["request_timeout"],
        max_retries=config["max_retries"],
        quota_reserve=config["quota_reserve"],
        user_agent=f"{program}/{package_version()}",
    )


def package_version() -> str:
    """Say which version this is."""
    try:
        return version("tap-insightly")
    except PackageNotFoundError:
        return "0"
