"""What is assumed of writing; asking about it takes a record."""

from __future__ import annotations

from tap_insightly.probe.verdict import Assumption

ASSUMPTIONS = (
    Assumption(
        "create-answers-record",
        "A new record is answered 201, with the record.",
        relied_on=("api/records/create_once.py",),
    ),
    Assumption(
        "created-by-clock",
        "Dates of records are UTC, by the clock that Date tells.",
        said_in=("values.py",),
        relied_on=("streams/search.py",),
    ),
    Assumption(
        "search-at-once",
        "A search finds a new record at once; eight seconds are allowed for it.",
        said_in=(
            "docs/assumptions.md",
            "docs/python.md",
            "docs/target.md",
            "api/records/search_lag.py",
        ),
        relied_on=("api/records/create_once.py", "loader/key_cache.py", "loader/record_loader.py"),
    ),
    Assumption(
        "search-exact",
        "A search by a text tells upper from lower case; it may as well not.",
        said_in=("docs/target.md",),
        relied_on=("api/records/finding.py",),
    ),
    Assumption(
        "id-highest",
        "A new record gets the highest id, and is the last of its list.",
        relied_on=(
            "api/lists/deletion_search.py",
            "api/lists/paginator.py",
            "verify/comparison.py",
        ),
    ),
    Assumption(
        "text-as-sent",
        "Texts come back as they were sent, and no automation changes them.",
        relied_on=("api/records/diff.py", "api/records/create_once.py"),
    ),
    Assumption(
        "tags-with-record",
        "Tags may be sent along with a record.",
        said_in=("docs/assumptions.md",),
    ),
    Assumption(
        "if-match-fresh",
        "A change with the ETag that the record has is done.",
        relied_on=("api/client.py",),
    ),
    Assumption(
        "if-match-stale",
        "A change with an older ETag is answered 400, and not done.",
        said_in=("api/http/errors.py", "sandbox/handlers/writing.py"),
        relied_on=("api/client.py",),
    ),
    Assumption(
        "put-keeps-rest",
        "A change leaves the fields that are not sent as they are, custom ones too.",
        said_in=("sandbox/handlers/arrays.py", "docs/python.md"),
    ),
    Assumption(
        "null-clears",
        "A null empties a field.",
        relied_on=("api/records/fields.py",),
    ),
    Assumption(
        "whole-record",
        "A whole record can be sent as it was read, read-only fields too.",
        relied_on=("sandbox/handlers/checking.py",),
    ),
    Assumption(
        "unknown-left-out",
        "A field that there is not, or that is read-only, is left out and not refused.",
        said_in=("sandbox/handlers/checking.py", "sandbox/handlers/checking.py"),
    ),
    Assumption(
        "tag-moves-date",
        "A tag that is added counts as an update of its record.",
        said_in=("sandbox/handlers/below.py",),
    ),
    Assumption(
        "tag-twice",
        "A tag that is added a second time changes nothing.",
        said_in=("api/records/requests.py", "sandbox/handlers/arrays.py", "docs/cli.md"),
    ),
    Assumption(
        "note-moves-date",
        "A note that is added counts as an update of its record.",
        relied_on=("sandbox/handlers/parts.py",),
    ),
    Assumption(
        "comment-moves-date",
        "A comment counts as an update of what it is about.",
        said_in=(
            "sandbox/data/children.py",
            "sandbox/account/account.py",
            "docs/assumptions.md",
            "docs/children.md",
        ),
        relied_on=("streams/related.py",),
    ),
    Assumption(
        "link-moves-date",
        "A link counts as an update of the record that carries it.",
        relied_on=("streams/related.py", "sandbox/handlers/parts.py"),
    ),
    Assumption(
        "file-moves-date",
        "A file counts as an update of the record that it is added to.",
        relied_on=("streams/details.py",),
    ),
    Assumption(
        "deleted-404",
        "A deletion is answered 202, and the record is gone at once.",
        relied_on=("api/http/session.py", "loader/record_loader.py"),
    ),
)
