"""Which texts name an Insightly account, and which would send the key somewhere else."""

from __future__ import annotations

import pytest

from tap_insightly.api import InvalidAddressError, base_url

NA1 = "https://api.na1.insightly.com/v3.1"


@pytest.mark.parametrize(
    "pod",
    [
        "na1",
        " na1 ",
        "NA1",
        "https://api.na1.insightly.com",
        "https://api.na1.insightly.com/",
        "https://api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com/v3.1/",
        "https://API.NA1.Insightly.com/v3.1/",
        "https://api.na1.insightly.com/v2.3",
        "api.na1.insightly.com/v3.1",
        "api.na1.insightly.com",
    ],
)
def test_what_users_paste_as_pod_is_understood(pod: str) -> None:
    assert base_url(pod) == NA1


@pytest.mark.parametrize(
    "pod",
    [
        "",
        " ",
        "na1.evil.com/x",
        "na1/../x",
        "na1@evil.com",
        "na1#",
        "na1?x=1",
        "na 1",
        "nа1",  # noqa: RUF001 - a Cyrillic letter, on purpose
        "http://api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com.evil.com/v3.1",
        "https://evil.com/api.na1.insightly.com",
        "https://api.na1.insightly.com@evil.com/v3.1",
        "https://user@api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com:8443/v3.1",
        "https://api.na1.insightly.com/v3.1/Contacts",
        "https://api.na1.insightly.com/v3.1?x=1",
        "https://api..insightly.com/v3.1",
        "https://crm.na1.insightly.com",
        "https://[",
    ],
)
def test_what_is_no_pod_is_refused(pod: str) -> None:
    with pytest.raises(InvalidAddressError):
        base_url(pod)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8080/v3.1", "http://127.0.0.1:8080/v3.1"),
        ("http://127.0.0.1:8080/v3.1/", "http://127.0.0.1:8080/v3.1"),
        ("http://127.8.9.1/v3.1", "http://127.8.9.1/v3.1"),
        ("http://localhost:8080/v3.1", "http://localhost:8080/v3.1"),
        ("http://[::1]:8080/v3.1", "http://[::1]:8080/v3.1"),
        (
            "https://gateway.example.com/insightly/v3.1",
            "https://gateway.example.com/insightly/v3.1",
        ),
    ],
)
def test_an_api_url_goes_before_the_pod(given: str, url: str) -> None:
    assert base_url("eu1", given, "v2.3") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v3.1",
        "http://localhost.example.com/v3.1",
        "http://127.0.0.1.example.com/v3.1",
        "http://127.0.0.1@example.com/v3.1",
        "http://10.0.0.1/v3.1",
        "http://0.0.0.0/v3.1",
        "https://key@example.com/v3.1",
        "https://example.com/v3.1?key=1",
        "https://example.com/v3.1#x",
        "https://example.com:port/v3.1",
        "https://example.com/",
        "https://example.com/v3.1/Contacts",
        "ftp://127.0.0.1/v3.1",
        "127.0.0.1:8080/v3.1",
        "https://",
        "https://exa mple.com",
        " ",
    ],
)
def test_an_api_url_that_is_none_or_would_expose_the_key_is_refused(url: str) -> None:
    with pytest.raises(InvalidAddressError):
        base_url("na1", url)


def test_an_older_version_is_part_of_the_url() -> None:
    assert base_url("eu1", None, "v3.0") == "https://api.eu1.insightly.com/v3.0"
