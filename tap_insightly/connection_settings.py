"""The settings that say where Insightly is and how to ask it, which everything shares."""

from __future__ import annotations

from tap_insightly.api.http.address import (
    API_VERSION,
    POD_ACCEPTED,
    URL_ACCEPTED,
    InvalidAddressError,
    base_url,
    pod_name,
)
from tap_insightly.config_schema import TEXT, Setting, integer, number


def _is_pod(value: str) -> bool:
    try:
        return bool(pod_name(value))
    except InvalidAddressError:
        return False


def _is_url(value: str) -> bool:
    try:
        return bool(base_url(api_url=value) and value.strip())
    except InvalidAddressError:
        return False


ADDRESS = (
    Setting(
        "api_key",
        "API key",
        "The API key of the user whose data is read, from Insightly under User Settings > API. "
        "The tap sees exactly what this user sees.",
        "the key as Insightly shows it, without spaces or line breaks",
        {"type": ["string"], "pattern": "^[!-~]+$"},
        is_required=True,
        is_secret=True,
        instead="An account of the configuration file will do, too: see the setting 'account'.",
    ),
    Setting(
        "pod",
        "Pod",
        "The pod of the account (na1, eu1, ap1, ...), or the whole API URL as Insightly shows it "
        "under User Settings > API.",
        POD_ACCEPTED,
        TEXT,
        default="na1",
        check=_is_pod,
    ),
    Setting(
        "api_url",
        "API URL",
        "A base URL that overrides pod and api_version, up to and including the version: for a "
        "sandbox or a gateway of your own. Plain http is accepted to this machine only.",
        URL_ACCEPTED,
        {"type": ["string"], "format": "uri"},
        check=_is_url,
    ),
    Setting(
        "api_version",
        "API version",
        "The version of the API, part of its URL. Older versions offer fewer objects.",
        "a version such as v3.1",
        {"type": ["string"], "pattern": r"^v[0-9]+\.[0-9]+$"},
        default=API_VERSION,
    ),
)
"""Where an account is, and the key to it: one unit, of which no part goes with one of another."""

PACE = (
    Setting(
        "requests_per_second",
        "Requests per second",
        "The most requests that are started in any one second. Insightly allows an account 10; if "
        "it takes fewer, the tap finds out and keeps just below.",
        "a number from 0.1 to 100",
        number(0.1, 100),
        default=10,
    ),
    Setting(
        "max_concurrency",
        "Concurrent requests",
        "The most requests that are under way at once. 10 a second need 13 of them if Insightly "
        "takes 1.3 seconds to answer.",
        "a whole number from 1 to 100",
        integer(1, 100),
        default=20,
    ),
    Setting(
        "request_timeout",
        "Request timeout",
        "How many seconds to wait for a connection, and for each part of an answer.",
        "a number of seconds from 1 to 3600",
        number(1, 3600),
        default=60,
    ),
    Setting(
        "max_retries",
        "Retries",
        "How often a request is repeated whose failure may pass: a lost connection, a time-out, "
        "408, 425, 429, 5xx, a broken body. The waits in between grow to a minute.",
        "a whole number from 0 to 100",
        integer(0, 100),
        default=8,
    ),
    Setting(
        "quota_reserve",
        "Quota reserve",
        "Stop the sync while this many of the day's requests are left, for other programs to use.",
        "a whole number from 0 up",
        {"type": ["integer"], "minimum": 0},
        default=0,
    ),
)
"""How an account is asked."""

CONNECTION = (*ADDRESS, *PACE)

ACCOUNT_NAME = "[A-Za-z0-9_-]{1,64}"
ACCOUNT_NAME_ACCEPTED = "up to 64 letters, digits, - and _"
ACCOUNT = Setting(
    "account",
    "Account",
    "An account of the configuration file, by its name. It gives the API key, the pod and the URL, "
    "and whatever else is set there and not here. Without it, and without an API key and an "
    "address, the account of that file is used if there is only one.",
    ACCOUNT_NAME_ACCEPTED,
    {"type": ["string"], "pattern": f"^{ACCOUNT_NAME}$"},
)

WITH_ACCOUNT = (*CONNECTION, ACCOUNT)
"""What a program takes that asks one account."""
