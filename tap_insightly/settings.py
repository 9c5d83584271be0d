"""The tap's settings: what there is, what is accepted, and how a wrong one is reported."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG

from tap_insightly.api.http.auth import (
    API_VERSION,
    POD_ACCEPTED,
    URL_ACCEPTED,
    InvalidAddressError,
    base_url,
    pod_name,
)
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclass(frozen=True)
class Setting:
    """One setting, in all that is known of it."""

    name: str
    title: str
    description: str
    accepted: str
    check: Callable[[Any], bool]
    schema: type[th.JSONTypeHelper[Any]]
    default: Any = None
    is_required: bool = False
    is_secret: bool = False
    allowed: tuple[str, ...] = ()
    from_text: Callable[[str], Any] | None = None
    """Makes of a text, as the environment has it, what it says; for what may be of several types.

    It may raise ValueError; the text is then refused as it is."""

    @property
    def is_numeric(self) -> bool:
        """Whether the value is a number."""
        return self.schema in {th.IntegerType, th.NumberType}

    def property(self) -> th.Property[Any]:
        """Describe the setting to the SDK, which shows it in ``--about``.

        Returns:
            A property of the configuration's JSON schema.
        """
        return th.Property(
            self.name,
            self.schema,
            title=self.title,
            description=self.description,
            default=self.default,
            required=self.is_required,
            secret=self.is_secret,
            allowed_values=list(self.allowed) or None,
        )


def _is_pod(value: object) -> bool:
    try:
        return bool(isinstance(value, str) and pod_name(value))
    except InvalidAddressError:
        return False


def _is_url(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(base_url(api_url=value) and value.strip())
    except InvalidAddressError:
        return False


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(parse_moment(value))
    except ValueError:
        return False


def _is_key(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[!-~]+", value) is not None


def between(low: float, high: float, *, whole: bool = True) -> Callable[[Any], bool]:
    """Make a check of a setting that is a number.

    Args:
        low: The least that is accepted.
        high: The most.
        whole: Whether only whole numbers are.

    Returns:
        A check.
    """

    def check(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return False
        return math.isfinite(value) and low <= value <= high

    return check


SETTINGS = (
    Setting(
        "api_key",
        "API key",
        "The API key of the user whose data is read, from Insightly under User Settings > API. "
        "The tap sees exactly what this user sees.",
        "the key as Insightly shows it, without spaces or line breaks",
        _is_key,
        th.StringType,
        is_required=True,
        is_secret=True,
    ),
    Setting(
        "pod",
        "Pod",
        "The pod of the account (na1, eu1, ap1, ...), or the whole API URL as Insightly shows it "
        "under User Settings > API.",
        POD_ACCEPTED,
        _is_pod,
        th.StringType,
        default="na1",
    ),
    Setting(
        "api_url",
        "API URL",
        "A base URL that overrides pod and api_version, up to and including the version: for a "
        "sandbox or a gateway of your own. Plain http is accepted to this machine only.",
        URL_ACCEPTED,
        _is_url,
        th.StringType,
    ),
    Setting(
        "api_version",
        "API version",
        "The version of the API, part of its URL. Older versions offer fewer objects.",
        "a version such as v3.1",
        lambda value: isinstance(value, str) and bool(re.fullmatch(r"v[0-9]+\.[0-9]+", value)),
        th.StringType,
        default=API_VERSION,
    ),
    Setting(
        "start_date",
        "Start date",
        "Leave out records that were not updated since, in the first sync of streams that are "
        "read incrementally. Without it, everything is read.",
        "a date or a date and time, such as 2026-01-31 or 2026-01-31T08:00:00Z",
        _is_moment,
        th.DateTimeType,
    ),
    Setting(
        "requests_per_second",
        "Requests per second",
        "The most requests that are started in any one second. Insightly allows an account 10; if "
        "it takes fewer, the tap finds out and keeps just below.",
        "a number from 0.1 to 100",
        between(0.1, 100, whole=False),
        th.NumberType,
        default=10,
    ),
    Setting(
        "max_concurrency",
        "Concurrent requests",
        "The most requests that are under way at once. 10 a second need 13 of them if Insightly "
        "takes 1.3 seconds to answer.",
        "a whole number from 1 to 100",
        between(1, 100),
        th.IntegerType,
        default=20,
    ),
    Setting(
        "request_timeout",
        "Request timeout",
        "How many seconds to wait for a connection, and for each part of an answer.",
        "a number of seconds from 1 to 3600",
        between(1, 3600, whole=False),
        th.NumberType,
        default=60,
    ),
    Setting(
        "max_retries",
        "Retries",
        "How often a request is repeated whose failure may pass: a lost connection, a time-out, "
        "408, 425, 429, 5xx, a broken body. The waits in between grow to a minute.",
        "a whole number from 0 to 100",
        between(0, 100),
        th.IntegerType,
        default=8,
    ),
    Setting(
        "quota_reserve",
        "Quota reserve",
        "Stop the sync while this many of the day's requests are left, for other programs to use.",
        "a whole number from 0 up",
        between(0, 10**9),
        th.IntegerType,
        default=0,
    ),
    Setting(
        "lookback_seconds",
        "Look-back",
        "How many seconds behind its bookmark an incremental sync starts. Records changed in that "
        "time come twice; targets that upsert by key do not mind.",
        "a whole number of seconds from 1 to 31622400 (a year)",
        between(1, 31_622_400),
        th.IntegerType,
        default=60,
    ),
    Setting(
        "page_size",
        "Page size",
        "The most records to ask for at once. Insightly hands out 500 at most. Pages of large "
        "records are made smaller by themselves, so this is only for servers on the way that "
        "cannot take as much.",
        "a whole number from 2 to 500",
        between(2, 500),
        th.IntegerType,
        default=500,
    ),
    Setting(
        "custom_fields",
        "Custom fields",
        "How custom fields arrive: columns (one typed column for each), array (the raw array "
        "CUSTOMFIELDS), or both.",
        "columns, array or both",
        lambda value: value in {"columns", "array", "both"},
        th.StringType,
        default="columns",
        allowed=("columns", "array", "both"),
    ),
    Setting(
        "max_column_name_bytes",
        "Longest column name",
        "Names of columns that are longer than this many bytes are shortened at discovery, because "
        "Postgres takes 63 and others not much more. The description has the full name. 0 leaves "
        "all names as they are.",
        "0 (no limit), or a whole number of bytes from 10 to 1000",
        lambda value: value == 0 or between(10, 1000)(value),
        th.IntegerType,
        default=63,
    ),
    Setting(
        "detect_deletes",
        "Detect deletes",
        "Say which records are gone: as a record of the key and _sdc_deleted_at, in all streams "
        "that are read by date. Costs one request for each of these in each sync, and some ten "
        "for each place where something was deleted. A record that this user may no longer see "
        "counts as gone.",
        "true or false",
        lambda value: isinstance(value, bool),
        th.BooleanType,
        default=False,
    ),
    Setting(
        "max_deletes_percent",
        "Most deletions at once",
        "If more than this share of the records that a stream is known to have would be called "
        "gone at once, none is, and the stream ends as not finished: it is more likely that the "
        "user of the key may see less than before. 100 records may always be gone. 100 percent "
        "switches this off.",
        "a number of percent from 0 to 100",
        between(0, 100, whole=False),
        th.NumberType,
        default=20,
    ),
    Setting(
        "refresh_days",
        "Days of a rolling refresh",
        "Read a slice of the whole list of each stream that is read by date in every sync, so that "
        "each record is read again at least every so many days, whether its date of update has "
        "changed or not. For calculated fields and last-activity dates, which may change without "
        "it. 100,000 records at 7 days cost some 30 requests a day. 0 switches this off.",
        "a number of days from 0 to 3660",
        between(0, 3660, whole=False),
        th.NumberType,
        default=0,
    ),
    Setting(
        "tombstone_schema",
        "Schema of tombstones",
        "What comes before the records that say what is gone: own (a schema of the key and "
        "_sdc_deleted_at alone, so that databases keep what else they know of a record) or stream "
        "(the schema of the stream, for targets that cannot take a second one, such as CSV files).",
        "own or stream",
        lambda value: value in {"own", "stream"},
        th.StringType,
        default="own",
        allowed=("own", "stream"),
    ),
    Setting(
        "child_streams_lookback_days",
        "Look-back of child streams",
        "How many days behind their bookmark the streams start that are asked for record by "
        "record: comments, file_attachments, opportunity_state_history and others. They find what "
        "is new in the records that were updated since; if a comment or a file does not count as "
        "an update of its record in your account, look back as far as such things come late. "
        "Costs a request for each record updated in that time, in each sync.",
        "a whole number of days from 0 to 3660",
        between(0, 3660),
        th.IntegerType,
        default=0,
    ),
)

CONNECTION = tuple(
    setting
    for setting in SETTINGS
    if setting.name
    in {
        "api_key",
        "pod",
        "api_url",
        "api_version",
        "requests_per_second",
        "max_concurrency",
        "request_timeout",
        "max_retries",
        "quota_reserve",
    }
)
"""Those of them that say where Insightly is and how to ask it, which others share with the tap."""

CONFIG_JSONSCHEMA: dict[str, Any] = th.PropertiesList(
    *(setting.property() for setting in SETTINGS)
).to_dict()
CONFIG_JSONSCHEMA["properties"] |= EMIT_ACTIVATE_VERSION_CONFIG["properties"]


def problems(config: Mapping[str, Any], settings: Sequence[Setting] = SETTINGS) -> Iterator[str]:
    """Find what is wrong with a configuration.

    Args:
        config: The configuration, with defaults filled in.
        settings: The settings that there are.

    Yields:
        One sentence for each wrong setting: its name, what was given, and what is accepted.
    """
    secret = config.get("api_key")
    for setting in settings:
        value = config.get(setting.name)
        if value is None:
            if setting.is_required:
                yield f"Setting '{setting.name}' is missing; accepted is {setting.accepted}."
        elif not setting.check(value):
            given = "what was given is not shown here" if setting.is_secret else f"got {value!r}"
            if isinstance(secret, str) and secret:
                given = given.replace(secret, "***")  # a key pasted into the wrong place
            yield f"Setting '{setting.name}': {_hide_user(given)}; accepted is {setting.accepted}."


def cleaned(config: Mapping[str, Any], settings: Sequence[Setting] = SETTINGS) -> dict[str, Any]:
    """Bring a configuration into the shape that the checks expect.

    An empty text is a setting that was not made. Numbers may come as text, from the environment,
    or as decimals, from the SDK's reading of JSON.

    Args:
        config: The configuration.
        settings: The settings that there are.

    Returns:
        A copy; what should be a number and is none stays as it is, for `problems` to report.
    """
    result = {name: value for name, value in config.items() if value != ""}
    for setting in settings:
        value = result.get(setting.name)
        if setting.is_numeric and isinstance(value, str | Decimal):
            try:
                number = float(value)
            except ValueError:
                continue
            result[setting.name] = int(number) if number.is_integer() else number
        elif setting.from_text is not None and isinstance(value, str):
            with suppress(ValueError):
                result[setting.name] = setting.from_text(value)
    return result


def _hide_user(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", text)
