"""Whatever path a client sends, the key goes to the account's own address and to no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from tap_insightly.openapi.objects import all_objects
from tap_insightly.server.gateway.paths import (
    BadPathError,
    checked_target,
    is_about,
    names_of_objects,
    version_of,
)
from tests.gateway.raw import exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.sandbox import Sandbox
    from tests.gateway.conftest import Clients

BASE_URLS = (
    "https://api.na1.insightly.com/v3.1",
    "http://127.0.0.1:8080/v3.1",
    "https://proxy.example:8443/insightly/v3.1",
    "http://[::1]:99/v3.1",
)

TRICKS = (
    "/v3.1/../v3.0/Contacts",
    "/v3.1/Contacts/../../admin",
    "/v3.1/./Contacts",
    "/v3.1/Contacts/.",
    "/v3.1/Contacts/..",
    "/v3.1/%2e%2e/admin",
    "/v3.1/Contacts/%2E%2E/%2e%2e/admin",
    "/v3.1/Contacts/.%2e/Leads",
    "/v3.1/Contacts/%252e%252e/Leads",
    "/v3.1/Contacts/..;/Leads",
    "/v3.1/Contacts/..%3b/Leads",
    "/v3.1/Contacts/.../Leads",
    "/v3.1/Contacts/..%20/Leads",
    "/v3.1/Contacts/%20../Leads",
    "/v3.1/Contacts/..\\Leads",
    "/v3.1/Contacts\\Leads",
    "/v3.1/Contacts/%5cLeads",
    "/v3.1/Contacts%5C..%5CLeads",
    "/v3.1/Contacts%2f..%2fLeads",
    "/v3.1/Contacts/1%2F2",
    "/v3.1/%2fevil.example/",
    "/v3.1//evil.example/",
    "/v3.1///Contacts",
    "/v3.1/Contacts//1",
    "//evil.example/v3.1/Contacts",
    "///v3.1/Contacts",
    "/\\evil.example/v3.1/Contacts",
    "http://evil.example/v3.1/Contacts",
    "https://evil.example:443/v3.1/Contacts",
    "evil.example:443",
    "@evil.example/v3.1/Contacts",
    ":80@evil.example/v3.1/Contacts",
    "/@evil.example/v3.1/Contacts",
    "/v3.1@evil.example/Contacts",
    "/v3.1:80@evil.example/Contacts",
    "/v3.1/@evil.example",
    "/v3.1/http://evil.example/",
    "/v3.1/http:%2f%2fevil.example",
    "/v3.1/Contacts%00",
    "/v3.1/Contacts/%00",
    "/v3.1/Contacts/1%0d%0aHost:%20evil.example",
    "/v3.1/Contacts/%0a",
    "/v3.1/Contacts/%7f",
    "/v3.1/Contacts/%e2%80%a8",
    "/v3.1/Contacts/%ef%bc%8e%ef%bc%8e/Leads",
    "/v3.1/Contacts/%ef%bc%8fLeads",
    "/v3.1/Contacts/%ef%bc%bcLeads",
    "/v3.1/Contacts/%e2%80%a5",
    "/v3.1/Contacts/%c0%ae%c0%ae/",
    "/v3.1/Contacts/%ff",
    "/v3.1/Contacts/%",
    "/v3.1/Contacts/%zz",
    "/v3.1/Contacts/%2",
    "/v3.1/Contacts;x=1",
    "/v3.1/.Contacts",
    "/v3.1/Con.tacts",
    "/v3.1/%ef%bc%a3ontacts",
    "/v3.1/",
    "/v3.1",
    "/",
    "*",
    "",
    "/v31/Contacts",
    "/v3.1x/Contacts",
    "/v33.1/Contacts",
    "/v3.1%2fContacts",
    "/%76%33.1/Contacts",
    "/api/v3.1/Contacts",
    "/v3.1/" + "a" * 3000,
    "/v3.1/" + "a" * 200,
)


@pytest.mark.parametrize("path", TRICKS)
def test_a_path_that_is_none_of_the_api_is_refused(path: str) -> None:
    with pytest.raises(BadPathError):
        checked_target(path.encode(), b"")


@pytest.mark.parametrize(
    ("query", "is_fine"),
    [
        (b"", True),
        (b"top=5&brief=true", True),
        (b"field_value=a%20b%26c&field_name=FIRST_NAME", True),
        (b"x=%00%0d%0a", True),  # encoded, it is data of the query and nothing else
        (b"x=http://evil.example/@:", True),
        (b"x=/../", True),
        (b"a\r\nHost: evil.example", False),
        (b"a b", False),
        (b"a\x00b", False),
        (b"a#b", False),
        ("ä".encode(), False),
        (b"x" * 17_000, False),
    ],
)
def test_a_query_passes_unless_it_could_end_the_line(query: bytes, *, is_fine: bool) -> None:
    if not is_fine:
        with pytest.raises(BadPathError):
            checked_target(b"/v3.1/Contacts", query)
        return
    url = checked_target(b"/v3.1/Contacts", query).url(BASE_URLS[0])
    assert url.raw_query_string.encode() == query
    assert url.raw_path == "/v3.1/Contacts"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v3.1/Contacts", "/v3.1/Contacts"),
        ("/V3.1/contacts/", "/v3.1/contacts/"),
        ("/v3.1/Contacts/12/Links", "/v3.1/Contacts/12/Links"),
        ("/v3.1/%43ontacts/%31", "/v3.1/Contacts/1"),
        ("/v3.1/Contacts/1/Tags/a@b:c;d=e", "/v3.1/Contacts/1/Tags/a%40b%3Ac%3Bd%3De"),
        ("/v3.1/Fruit__c/Search", "/v3.1/Fruit__c/Search"),
        ("/v3.1/Tags/gr%C3%BCn%20?", "/v3.1/Tags/gr%C3%BCn%20%3F"),
        ("/v3.1/Contacts/1/ImageField/a.b", "/v3.1/Contacts/1/ImageField/a.b"),
    ],
)
def test_what_is_sent_is_written_anew(path: str, sent: str) -> None:
    path = path.replace("?", "%3F")
    url = checked_target(path.encode(), b"").url(BASE_URLS[0])
    assert url.raw_path == sent


PIECES = st.lists(
    st.sampled_from(
        [
            *("/", "//", "\\", ".", "..", "%2e", "%2E", "%2f", "%5c", "%00", "%0a", "%25", "@"),
            *(":", ";", "?", "#", " ", "v3.1", "V3.1", "Contacts", "Leads", "1", "http", "%"),
            *("evil.example", "%ef%bc%8f", "%c0%ae", "\r\n", "[", "]", "é", "\x00", "%41"),
        ]
    ),
    max_size=14,
).map("".join)


@given(
    st.one_of(
        PIECES, PIECES.map("/v3.1/".__add__), PIECES.map("/v3.1/Contacts/".__add__), st.text()
    ),
    st.one_of(PIECES, st.text()),
    st.sampled_from(BASE_URLS),
)
@example("/v3.1/@evil.example", "", BASE_URLS[0])
@example("/v3.1/Contacts/..%2f..", "@evil.example/", BASE_URLS[2])
def test_whatever_is_sent_the_address_is_below_that_of_the_account(
    path: str, query: str, base: str
) -> None:
    try:
        target = checked_target(path.encode(), query.encode())
    except BadPathError:
        return
    url, own = target.url(base), URL(base)
    assert (url.scheme, url.raw_host, url.port) == (own.scheme, own.raw_host, own.port)
    assert (url.user, url.password, url.raw_fragment) == (None, None, "")
    assert url.raw_path.startswith(f"{own.raw_path}/")
    below = url.raw_path.removeprefix(f"{own.raw_path}/")
    # However often somebody on the way decodes it, it leads nowhere else.
    for _ in range(4):
        assert not re.search(r"(^|[/\\])\.\.?([/\\;]|$)", below)
        assert "//" not in below
        assert "\\" not in below
        assert all(" " <= c != "\x7f" for c in below)
        below = unquote(below)
    assert re.fullmatch("[!-~]*", str(url).removeprefix(base))


OBJECTS = [one for one in all_objects() if one.path != "/CustomFields"]


@pytest.mark.parametrize(
    ("objects", "path", "is_allowed"),
    [
        (["Contact"], "/v3.1/Contacts", True),
        (["Contact"], "/v3.1/CONTACTS/1/Links", True),
        (["Contact"], "/v3.1/%43ontacts", True),
        (["Contact"], "/v3.1/Leads", False),
        (["Contact"], "/v3.1/ContactsX", False),
        (["Contact"], "/v3.1/Contact_s", False),
        (["Contact"], "/v3.1/CustomFields/Contacts", True),
        (["Contact"], "/v3.1/customfields/CONTACT", True),
        (["Contact"], "/v3.1/CustomFields/Leads", False),
        (["Contact"], "/v3.1/CustomFields", False),
        (["Contact"], "/v3.1/CustomFields/", False),
        (["Contact"], "/v3.1/CustomFields/Nonsense", False),
        (["Contact"], "/v3.1/Instance", False),
        (["Organisation"], "/v3.1/Organizations/1", True),
        (["Organisation"], "/v3.1/Organisations", True),
        (["Contact"], "/v3.1/Organizations/1", False),
        (["Fruit__c"], "/v3.1/fruit__C/Search", True),
        (["Fruit__c"], "/v3.1/Fruit", False),
        (["Fruit__c", "Contact"], "/v3.1/Contacts", True),
        (["Quotation"], "/v3.1/Quotation/1", True),
        (["Quotation"], "/v3.1/QuotationLineItem", False),
        (["User"], "/v3.1/Users/Me", True),
        ([], "/v3.1/Contacts", False),
    ],
)
def test_the_first_part_says_which_object_it_is_about(
    objects: Sequence[str], path: str, *, is_allowed: bool
) -> None:
    target = checked_target(path.encode(), b"")
    assert is_about(target, names_of_objects(objects)) == is_allowed


@pytest.mark.parametrize("allowed", OBJECTS, ids=lambda one: one.name)
def test_an_object_opens_its_own_path_and_that_of_no_other(allowed: object) -> None:
    names = names_of_objects([allowed.name])  # type: ignore[attr-defined]
    open_paths = {
        one.path
        for one in OBJECTS
        if is_about(checked_target(f"/v3.1{one.path}".encode(), b""), names)
    }
    assert open_paths == {allowed.path}  # type: ignore[attr-defined]


@pytest.mark.parametrize("base", BASE_URLS)
def test_the_version_is_the_end_of_the_base_url(base: str) -> None:
    assert version_of(base) == "v3.1"


def test_tricks_end_at_the_gateway(gateway: Clients, sandbox: Sandbox) -> None:
    for path in TRICKS:
        status, _ = exchange(gateway, "GET", path)
        assert status in {400, 404}, path
    assert not sandbox.requests
