"""What the gateway has to know: where its accounts are, and what its clients may ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.address import base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


@dataclass(frozen=True)
class Upstream:
    """An account of Insightly, and how to ask it."""

    base_url: str
    """Up to and including the version, as `base_url` returns it."""

    api_key: str = field(repr=False)
    requests_per_second: float = 10
    max_concurrency: int = 20
    request_timeout: float = 60
    max_retries: int = 8
    quota_reserve: int = 0

    @classmethod
    def from_connection(cls, config: Mapping[str, Any]) -> Self:
        """Take the settings of a connection, as tap and command line have them."""
        names = cls.__dataclass_fields__.keys() - {"base_url"}
        return cls(
            base_url(config["pod"], config.get("api_url"), config["api_version"]),
            **{name: config[name] for name in names},
        )


@dataclass(frozen=True)
class Limits:
    """What clients may ask of the gateway."""

    longest_wait: float = 15.0
    """The most seconds that a request waits for its turn, before it is answered 429."""

    retry_seconds: float = 30.0
    """Seconds after which a request is not tried again, since its client may do so itself."""

    idle_seconds: float = 30.0
    """Seconds for which a client may send or take nothing while it should."""

    largest_body: int = 100_000_000
    """The most bytes of a request's body."""

    held_body: int = 1_000_000
    """Bytes of a request's body that are kept, to be sent again. Larger ones are sent once."""


@dataclass(frozen=True)
class Sharing:
    """How several gateways share the pace and the quota of their accounts."""

    redis_url: str = field(repr=False)
    """Where Redis is, such as ``redis://host:6379/0``; a password may be in it."""

    gateways: int = 1
    """How many gateways there are, at least: while Redis does not answer, each takes such a part
    of the pace, or a smaller one if more of them were seen."""
