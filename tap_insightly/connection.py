"""Opens a connection from settings, for tap, target and command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tap_insightly import telemetry
from tap_insightly.api.http.address import base_url, origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlySession

Session = TypeVar("Session", bound="InsightlySession")


def open_session(config: Mapping[str, Any], program: str) -> InsightlySession:
    """Open a session; nothing is sent yet. `program` is the name in the user agent."""
    from tap_insightly.api import InsightlySession  # noqa: PLC0415 - takes longer than all else

    return open_session_of(InsightlySession, config, program)


def open_session_of(kind: type[Session], config: Mapping[str, Any], program: str) -> Session:
    """Open a session of a class of its own, as `open_session` does."""
    session = kind(
        base_url(config["pod"], config.get("api_url"), config["api_version"]),
        config["api_key"],
        requests_per_second=config["requests_per_second"],
        max_concurrency=config["max_concurrency"],
        request_timeout=config["request_timeout"],
        max_retries=config["max_retries"],
        quota_reserve=config["quota_reserve"],
        user_agent=f"{program}/{package_version()}",
        address_origin=_origin(config),
    )
    telemetry.current().watch_session(session)
    return session


def _origin(config: Mapping[str, Any]) -> str:
    """Name the setting that the address is made of, and where it is made."""
    origin, account = origin_of(config["pod"], config.get("api_url")), config.get("account")
    return f"{origin} of account '{account}' of the configuration file" if account else origin


def package_version() -> str:
    """Return the version; ``0`` in a source tree that was not installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - takes long

    try:
        return version("tap-insightly")
    except PackageNotFoundError:
        return "0"
