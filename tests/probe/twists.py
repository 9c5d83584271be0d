"""Servers that break an assumption: the assumption, and what such a server does otherwise."""

from __future__ import annotations

from codecs import BOM_UTF8
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tests.probe.twisting import Exchange, Twist

if TYPE_CHECKING:
    from collections.abc import Callable


def after(change: Callable[[Exchange], object]) -> Twist:
    return Twist(after=change)


def before(change: Callable[[Exchange], object]) -> Twist:
    return Twist(before=change)


def rows(path: str, **values: Any) -> Twist:
    """Give each record of a list other values, made of those that it has."""

    def change(one: Exchange) -> None:
        for row in one.rows if one.path.startswith(path) else ():
            for name, value in values.items():
                if name in row:
                    row[name] = value(row[name]) if callable(value) else value

    return after(change)


def custom(**values: Any) -> Twist:
    """Give each value of a custom field something else."""

    def change(one: Exchange) -> None:
        for row in one.rows:
            for entry in row.get("CUSTOMFIELDS") or ():
                for name, value in values.items():
                    entry[name] = value(entry[name]) if callable(value) else value

    return after(change)


def definitions(**values: Any) -> Twist:
    return rows("/CustomFields/", **values)


def refused(status: int, is_meant: Callable[[Exchange], object]) -> Twist:
    return after(lambda one: one.refuse(status) if is_meant(one) else None)


def header(name: str, change: Callable[[str], str | None]) -> Twist:
    def alter(one: Exchange) -> None:
        if name in one.headers and (text := change(one.headers.pop(name))) is not None:
            one.headers[name] = text

    return after(alter)


def links(one: Exchange) -> None:
    for row in one.rows:
        for link in row.get("LINKS") or ():
            link["LINK_OBJECT_NAME"] += "s"


def earlier(one: Exchange) -> None:
    """Search from a second before."""
    if one.is_search and "updated_after_utc" in one.query:
        text = one.query["updated_after_utc"].replace("Z", "")
        moment = datetime.fromisoformat(text) - timedelta(seconds=1)
        one.query["updated_after_utc"] = f"{moment:%Y-%m-%d %H:%M:%S}"


def capped(one: Exchange) -> None:
    if "top" in one.query:
        one.query["top"] = str(min(200, int(one.query["top"])))


def reversed_lists(one: Exchange) -> None:
    if one.is_list and not one.is_search:
        one.data.reverse()


def reversed_searches(one: Exchange) -> None:
    if one.is_list and one.is_search:
        one.data.reverse()


def twice(one: Exchange) -> None:
    if one.is_list and one.path == "/Leads":
        one.data[1] = one.data[0]


def an_hour_later(text: str) -> str:
    return format_datetime(parsedate_to_datetime(text) + timedelta(hours=1), usegmt=True)


def is_top_501(one: Exchange) -> bool:
    return one.query.get("top") == "501"


def nested(one: Exchange) -> None:
    for row in one.rows:
        for tag in row.get("TAGS") or ():
            tag["TAG_COLOUR"] = 7


def new_field(one: Exchange) -> None:
    for row in one.rows if one.path == "/Leads" else ():
        row["LEAD_SCORE"] = 7


def no_page_of_50(one: Exchange) -> None:
    if one.is_list and len(one.data) == 50:
        one.data.pop()


READING: list[tuple[str, Twist]] = [
    ("ids-ascend", after(reversed_lists)),
    ("total-told", header("X-Total-Count", lambda _: None)),
    ("total-right", header("X-Total-Count", lambda text: str(int(text) + 1))),
    ("total-right", header("X-Total-Count", lambda text: str(max(0, int(text) - 1)))),
    ("pages-full", after(no_page_of_50)),
    ("more-than-500", refused(400, is_top_501)),
    ("offsets-count", before(lambda one: one.query.update(skip="3") if "skip" in one.query else 0)),
    ("offsets-count", before(lambda one: one.query.pop("skip", None))),
    (
        "lists-unpaged",
        after(lambda one: one.data.__delitem__(slice(1, None)) if one.path == "/countries" else 0),
    ),
    ("left-out-is-refused", refused(400, lambda one: one.path == "/Teams")),
    (
        "search-by-date",
        before(lambda one: one.query.pop("updated_after_utc", None) if one.is_search else 0),
    ),
    ("search-by-date", after(lambda one: one.data.clear() if one.is_search and one.is_list else 0)),
    ("search-exclusive", before(earlier)),
    ("search-ascends", after(reversed_searches)),
    (
        "search-total",
        after(lambda one: one.headers.pop("X-Total-Count", None) if one.is_search else 0),
    ),
    ("date-spellings", refused(400, lambda one: " " in one.query.get("updated_after_utc", ""))),
    (
        "date-spellings",
        before(
            lambda one: (
                one.query.pop("updated_after_utc")
                if " " in one.query.get("updated_after_utc", "")
                else 0
            )
        ),
    ),
    (
        "list-ignores-date",
        after(
            lambda one: (
                one.data.clear() if "updated_after_utc" in one.query and not one.is_search else 0
            )
        ),
    ),
    ("search-without-date", refused(404, lambda one: one.path == "/Emails/Search")),
    (
        "search-by-value",
        before(lambda one: [one.query.pop(name, 0) for name in ("field_name", "field_value")]),
    ),
    (
        "search-by-value",
        after(lambda one: one.data.clear() if "field_name" in one.query and one.is_list else 0),
    ),
    ("search-by-value", refused(400, lambda one: "field_name" in one.query)),
    ("path-case", refused(404, lambda one: one.path == "/countries")),
    ("trailing-slash", refused(404, lambda one: one.path.endswith("/"))),
    ("other-form-405", refused(404, lambda one: one.path == "/Contact")),
    ("missing-404", refused(400, lambda one: one.path == "/Contacts/2147483647")),
    ("error-bodies", after(lambda one: one.refuse(404, {"err": 1}) if one.status == 404 else 0)),
    ("error-bodies", after(lambda one: one.refuse(404, [1, 2]) if one.status == 404 else 0)),
    ("quota-told", header("X-Ratelimit-Remaining", lambda _: None)),
    ("quota-told", header("X-Ratelimit-Limit", lambda _: None)),
    ("quota-falls", header("X-Ratelimit-Remaining", lambda _: "900")),
    ("date-told", header("Date", lambda _: None)),
    ("clocks-agree", header("Date", an_hour_later)),
    ("no-updates-ahead", rows("/Contacts", DATE_UPDATED_UTC="2189-01-01 00:00:00")),
    ("gzip", after(lambda one: setattr(one, "is_packed", False))),
    ("json-untold", header("Content-Type", lambda _: "text/html")),
    ("json-plain", after(lambda one: setattr(one, "mark", BOM_UTF8))),
    ("json-plain", rows("/Leads", LAST_NAME=float("nan"))),
    ("etag", header("Etag", lambda _: None)),
    ("fields-known", after(new_field)),
    ("fields-known", after(nested)),
    ("types-fit", rows("/Leads", OWNER_USER_ID=str)),
    ("types-fit", rows("/Leads", LAST_NAME=7)),
    ("types-fit", rows("/Leads", LAST_NAME=True)),
    ("types-fit", rows("/Leads", CONVERTED="yes")),
    ("types-fit", rows("/Leads", TAGS={})),
    ("types-fit", rows("/Leads", DATE_CREATED_UTC="yesterday")),
    ("keys-there", rows("/Leads", LEAD_ID=None)),
    ("keys-there", after(twice)),
    ("dates-spelled", rows("/Leads", DATE_CREATED_UTC=lambda text: f"{text.replace(' ', 'T')}Z")),
    ("dates-spelled", rows("/Leads", DATE_CREATED_UTC=lambda text: f"{text}.123")),
    ("empty-dates", rows("/Contacts", DATE_OF_BIRTH="0001-01-01 00:00:00")),
    ("money-digits", rows("/Opportunities", OPPORTUNITY_VALUE=str)),
    ("money-digits", rows("/Opportunities", OPPORTUNITY_VALUE=10**19)),
    ("brief-leaves-out", before(lambda one: one.query.pop("brief", None))),
    (
        "brief-keeps-text",
        after(
            lambda one: [row.pop("BACKGROUND") for row in one.rows] if "brief" in one.query else 0
        ),
    ),
    (
        "single-as-listed",
        after(
            lambda one: (
                one.data.pop("TITLE", 0)
                if one.path == "/Contacts/300000000" and one.status == 200
                else 0
            )
        ),
    ),
    ("links-named", after(links)),
    ("states-in-capitals", rows("/Opportunities", OPPORTUNITY_STATE=str.title)),
    ("ticket-statuses", rows("/Ticket", TICKET_STATUS=str.title)),
    (
        "comments-whole",
        after(
            lambda one: (
                [row.pop("BODY") for row in one.rows] if one.path.endswith("/Comments") else 0
            )
        ),
    ),
    ("custom-all", after(lambda one: one.data.clear() if "NoSuch" in one.path else 0)),
    ("custom-all", refused(404, lambda one: "NoSuch" in one.path)),
    (
        "custom-own",
        before(
            lambda one: (
                setattr(one, "path", "/CustomFields/All")
                if one.path == "/CustomFields/Contact"
                else 0
            )
        ),
    ),
    ("custom-owners", definitions(FIELD_FOR=lambda text: f"OBJECT {text}")),
    ("custom-types", definitions(FIELD_TYPE=lambda text: f"NEW {text}")),
    ("custom-names", definitions(FIELD_NAME=lambda text: text.removesuffix("__c"))),
    ("custom-entries", custom(FIELD_VALUE=lambda value: [value])),
    ("custom-entries", custom(FIELD_NAME=None)),
    ("custom-field-ids", custom(CUSTOM_FIELD_ID=7)),
    ("custom-values", custom(FIELD_VALUE=lambda value: "many" if value == 6 else value)),
    (
        "choices-joined",
        custom(FIELD_VALUE=lambda v: v.replace(";", ", ") if isinstance(v, str) else v),
    ),
    ("custom-objects-read", refused(404, lambda one: one.path == "/Fruit__c")),
    ("custom-objects-read", rows("/Fruit__c", RECORD_ID=str)),
]

LARGE: list[tuple[str, Twist]] = [
    ("page-of-500", before(capped)),
    ("page-of-500", refused(400, lambda one: int(one.query.get("top", 0)) > 200)),
    (
        "more-than-500",
        after(lambda one: one.data.append(one.data[-1]) if is_top_501(one) else 0),
    ),
    ("page-of-100", before(lambda one: one.query.setdefault("top", "40"))),
    ("page-of-100", before(lambda one: one.query.setdefault("top", "500"))),
]


def is_contact(one: Exchange) -> bool:
    """Whether one contact was read or written, not a list of them."""
    is_written = one.method in {"POST", "PUT"} and one.path == "/Contacts"
    parts = one.path.split("/")
    is_read = one.method == "GET" and len(parts) == 3 and parts[2].isdecimal()
    return one.status < 300 and (is_written or (is_read and parts[1] == "Contacts"))


def contact(**values: Any) -> Twist:
    def change(one: Exchange) -> None:
        for row in one.rows if is_contact(one) else ():
            for name, value in values.items():
                row[name] = value(row[name]) if callable(value) else value

    return after(change)


def put(change: Callable[[dict[str, Any]], object]) -> Twist:
    return before(lambda one: change(one.given) if one.method == "PUT" else None)


def frozen(path: str) -> Twist:
    """Records are never updated."""

    def change(one: Exchange) -> None:
        for row in one.rows if one.path.startswith(path) else ():
            row["DATE_UPDATED_UTC"] = "2026-01-01 00:00:00"

    return after(change)


def accepted_file(one: Exchange) -> None:
    if one.path.endswith("/FileAttachments"):
        one.status, one.data = 201, {"FILE_ID": 7}


def is_put(one: Exchange) -> bool:
    return one.method == "PUT"


def without_newest(one: Exchange) -> None:
    if one.is_search and one.path.startswith("/Contacts") and "updated_after_utc" in one.query:
        one.data[:] = [row for row in one.data if row["FIRST_NAME"] != "Probe"]
        one.headers["X-Total-Count"] = str(len(one.data))


def without_nulls(given: dict[str, Any]) -> None:
    for name in [name for name, value in given.items() if value is None]:
        del given[name]


WRITING: list[tuple[str, Twist]] = [
    (
        "create-answers-record",
        after(lambda one: setattr(one, "status", 200) if one.status == 201 else 0),
    ),
    ("created-by-clock", contact(DATE_CREATED_UTC="2020-01-01 00:00:00")),
    ("search-at-once", after(without_newest)),
    (
        "search-exact",
        before(
            lambda one: (
                one.query.update(field_value=one.query["field_value"].lower())
                if one.query.get("field_name") == "LAST_NAME"
                else 0
            )
        ),
    ),
    (
        "id-highest",
        before(
            lambda one: (
                one.query.update(skip="0")
                if "skip" in one.query and "count_total" not in one.query
                else 0
            )
        ),
    ),
    ("text-as-sent", contact(BACKGROUND=lambda text: text and text.strip())),
    ("text-as-sent", contact(FIRST_NAME=str.upper)),
    (
        "tags-with-record",
        before(lambda one: one.given.pop("TAGS", 0) if isinstance(one.given, dict) else 0),
    ),
    ("if-match-fresh", refused(412, lambda one: is_put(one) and one.if_match)),
    ("if-match-stale", before(lambda one: setattr(one, "if_match", None))),
    ("if-match-stale", after(lambda one: one.refuse(412) if one.status == 400 else 0)),
    ("put-keeps-rest", put(lambda given: given.setdefault("BACKGROUND", None))),
    ("null-clears", put(without_nulls)),
    ("whole-record", refused(400, lambda one: is_put(one) and len(one.given) > 20)),
    ("unknown-left-out", refused(400, lambda one: is_put(one) and "NO_SUCH_FIELD" in one.given)),
    ("tag-moves-date", frozen("/Contacts")),
    ("note-moves-date", frozen("/Contacts")),
    ("comment-moves-date", frozen("/Notes")),
    ("link-moves-date", frozen("/Contacts")),
    ("file-moves-date", after(accepted_file)),
    ("tag-twice", refused(400, lambda one: one.path.endswith("/Tags"))),
    ("tag-twice", contact(TAGS=lambda tags: [*tags, *tags])),
    ("deleted-404", refused(410, lambda one: one.status == 404)),
    (
        "deleted-404",
        after(lambda one: setattr(one, "status", 200) if one.method == "DELETE" else 0),
    ),
]
