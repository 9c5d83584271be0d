"""The table ``[server]`` of the configuration file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_insightly.accounts import ConfigFileError
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.config_schema import TEXT, Setting, cleaned, integer, number, problems
from tap_insightly.private_files import FileProblem, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tap_insightly.config_file import ConfigFile

_MEGABYTE = 2**20
REDIS_URL_ENV = "redis_url_env"


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"redis", "rediss", "unix"} and bool(parts.hostname or parts.path)


SETTINGS = (
    Setting(
        "host",
        "Host",
        "The address to listen on. Leave it, and put a proxy with TLS in front.",
        "a host name or an address",
        TEXT,
        default="127.0.0.1",
    ),
    Setting(
        "port",
        "Port",
        "The port to listen on; 0 for any that is free.",
        "a whole number from 0 to 65535",
        integer(0, 65535),
        default=8750,
    ),
    Setting(
        "webhook_store",
        "Webhook store",
        "The file that webhooks are kept in.",
        "the path of a file",
        TEXT,
        default="webhooks.sqlite",
    ),
    Setting(
        "token_store",
        "Token store",
        "The file that the tokens of clients are kept in, as hashes, and what they have used.",
        "the path of a file",
        TEXT,
        default="tokens.sqlite",
    ),
    Setting(
        "max_webhook_bytes",
        "Largest webhook",
        "The most bytes that a webhook may have.",
        "a whole number of bytes from 1000 to 100000000",
        integer(1000, 100_000_000),
        default=_MEGABYTE,
    ),
    Setting(
        "max_upload_bytes",
        "Largest upload",
        "The most bytes that a client of the gateway may send in one request.",
        "a whole number of bytes from 1000 to 10000000000",
        integer(1000, 10_000_000_000),
        default=100 * _MEGABYTE,
    ),
    Setting(
        "longest_wait",
        "Longest wait",
        "A request to the gateway that would wait longer for its turn is answered 429 at once.",
        "a number of seconds from 0.1 to 300",
        number(0.1, 300),
        default=15,
    ),
    Setting(
        "max_connections",
        "Most connections",
        "How many connections may be open at once; further ones are answered 503.",
        "a whole number from 10 to 100000",
        integer(10, 100_000),
        default=1000,
    ),
    Setting(
        "redis_url",
        "Redis",
        "Where several gateways for one account share its pace and quota.",
        "a URL such as redis://host:6379/0",
        TEXT,
        is_secret=True,
        check=_is_redis,
    ),
    Setting(
        REDIS_URL_ENV,
        "Variable with the URL of Redis",
        "The same in a variable of the environment, which may hold a password.",
        "the name of a variable",
        TEXT,
    ),
    Setting(
        "gateways",
        "Gateways",
        "How many gateways share an account; when Redis is away, each keeps to its part.",
        "a whole number from 1 to 1000",
        integer(1, 1000),
        default=1,
    ),
)
_PATHS = ("webhook_store", "token_store")
_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class ServerSettings:
    """What the table says, with defaults; paths count from the folder of the file."""

    host: str
    port: int
    webhook_store: Path
    token_store: Path
    max_webhook_bytes: int
    max_upload_bytes: int
    longest_wait: float
    max_connections: int
    gateways: int
    redis_url: str | None = None

    def __repr__(self) -> str:
        """Show where it listens; the URL of Redis may hold a password."""
        return f"ServerSettings({self.host}:{self.port})"


def server_settings(config: ConfigFile) -> ServerSettings:
    """Read the table of a configuration file.

    Raises:
        ConfigFileError: If anything in it is wrong, or others may read a password that it holds.
    """
    given, wrong = config.server, []
    for name in given:
        if name not in _BY_NAME:
            hint = did_you_mean(close_names(name, _BY_NAME))
            wrong.append(f"'{name}' is no setting of the server.{hint}")
    values = {one.name: one.default for one in SETTINGS} | cleaned(
        {name: value for name, value in given.items() if name in _BY_NAME}, SETTINGS
    )
    wrong += problems(values, SETTINGS)
    variable, url = values.pop(REDIS_URL_ENV), values["redis_url"]
    if variable is not None and not wrong:
        if url is not None:
            wrong.append("'redis_url' and 'redis_url_env' are given; keep one of them.")
        url = values["redis_url"] = os.environ.get(variable, "")
        if not _is_redis(url):
            accepted = _BY_NAME["redis_url"].accepted
            wrong.append(f"The variable {variable} of 'redis_url_env' does not hold {accepted}.")
    if wrong:
        raise ConfigFileError(config.path, [f"[server]: {one}" for one in wrong])
    if variable is None and urlsplit(url or "").password:
        config.require_private("the password in 'redis_url' of [server]")
    return ServerSettings(**values | {name: _path(name, values, config) for name in _PATHS})


def _path(name: str, values: Mapping[str, Any], config: ConfigFile) -> Path:
    try:
        return resolved(values[name], config.path.parent)
    except FileProblem as error:
        raise ConfigFileError(config.path, [f"[server]: '{name}' {error}."]) from None
