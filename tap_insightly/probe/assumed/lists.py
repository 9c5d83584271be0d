"""What is assumed of lists and searches."""

from __future__ import annotations

from tap_insightly.probe.verdict import Assumption

ASSUMPTIONS = (
    Assumption(
        "ids-ascend",
        "Lists come in ascending order of the records' ids.",
        said_in=(
            "api/lists/deletion_search.py",
            "api/lists/seen_keys.py",
            "verify/comparison.py",
            "docs/assumptions.md",
            "docs/verify.md",
        ),
        relied_on=("sync/checkpoint.py",),
    ),
    Assumption(
        "total-told",
        "Every list that comes in pages tells how many records it has, in X-Total-Count.",
        said_in=("docs/assumptions.md",),
        relied_on=("api/lists/paginator.py", "cli/commands/check.py", "cli/commands/plan.py"),
    ),
    Assumption(
        "total-right",
        "X-Total-Count counts what the user may see, and nothing else.",
        relied_on=(
            "api/lists/paginator.py",
            "api/lists/deletion_search.py",
            "cli/commands/plan.py",
        ),
    ),
    Assumption(
        "pages-full",
        "A page holds as many records as were asked for, where there are more.",
        said_in=("api/lists/paginator.py",),
    ),
    Assumption(
        "page-of-500",
        "A page can hold 500 records.",
        said_in=("api/lists/paginator.py",),
    ),
    Assumption(
        "more-than-500",
        "Asked for more than 500 records, a list answers 500 and does not refuse.",
        said_in=("sandbox/handlers/pages.py",),
    ),
    Assumption(
        "page-of-100",
        "A list that is not told how many records to answer answers 100.",
        relied_on=("sandbox/handlers/pages.py",),
    ),
    Assumption(
        "offsets-count",
        "Offsets count from the lowest id: after all records but one there is the newest.",
        relied_on=("api/lists/deletion_search.py", "api/lists/paginator.py"),
    ),
    Assumption(
        "lists-unpaged",
        "Countries, currencies and custom objects come whole, whatever is said of a page.",
        relied_on=("streams/base.py", "sandbox/handlers/reading.py"),
    ),
    Assumption(
        "left-out-is-refused",
        "What the plan leaves out, or the user may not see, is answered 403, 404 or 405.",
        said_in=("sandbox/account/plans.py",),
        relied_on=("api/http/status_errors.py", "sync/stream_sync.py"),
    ),
    Assumption(
        "search-by-date",
        "A search by date finds what was updated later, and nothing else.",
        relied_on=("streams/search.py",),
    ),
    Assumption(
        "search-exclusive",
        "A search leaves out what was updated in the very second that it is asked from.",
        said_in=(
            "openapi/insightly.json",
            "sandbox/account/table.py",
            "streams/search.py",
            "docs/assumptions.md",
        ),
    ),
    Assumption(
        "search-ascends",
        "Searches come in ascending order of the records' ids, too.",
        relied_on=("api/lists/paged_request.py", "streams/search.py"),
    ),
    Assumption(
        "search-total",
        "A search tells how many records it finds, in X-Total-Count.",
        relied_on=("sync/estimate.py", "streams/search.py"),
    ),
    Assumption(
        "date-spellings",
        "A search takes a moment as ISO 8601 and as records have it, and takes both for the same.",
        relied_on=("api/records/reading.py",),
    ),
    Assumption(
        "list-ignores-date",
        "A list that is no search ignores updated_after_utc.",
        relied_on=("streams/search.py",),
    ),
    Assumption(
        "search-without-date",
        "Emails and document templates, which have no date of their update, can be searched by it.",
        relied_on=("streams/search.py",),
    ),
    Assumption(
        "search-by-value",
        "A search by a field and a value finds the records with exactly this value.",
        relied_on=("api/client.py", "loader/record_loader.py"),
    ),
)
