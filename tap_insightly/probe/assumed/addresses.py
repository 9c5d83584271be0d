"""What is assumed of addresses, headers and errors."""

from __future__ import annotations

from tap_insightly.probe.verdict import Assumption

ASSUMPTIONS = (
    Assumption(
        "path-case",
        "Upper and lower case are the same in paths.",
        said_in=("discovery.py", "sandbox/app.py"),
    ),
    Assumption(
        "trailing-slash",
        "A slash at the end of a path makes no difference.",
        relied_on=("cli/commands/api.py", "sandbox/app.py"),
    ),
    Assumption(
        "other-form-405",
        "The singular of a path that is plural, or the other way round, is answered 405.",
        said_in=("sandbox/handlers/routing.py",),
        relied_on=("api/http/errors.py",),
    ),
    Assumption(
        "missing-404",
        "A record that there is not is answered 404.",
        relied_on=("api/http/session.py", "sync/child_stream_sync.py"),
    ),
    Assumption(
        "error-bodies",
        "Errors come as an object with Message, as a text, as a page, or with nothing.",
        said_in=("sandbox/errors.py",),
        relied_on=("api/http/server_text.py",),
    ),
    Assumption(
        "quota-told",
        "Every answer tells the day's requests in X-RateLimit-Limit and X-RateLimit-Remaining.",
        said_in=("api/http/quota.py",),
    ),
    Assumption(
        "quota-falls",
        "Every request is one of the day's.",
        relied_on=("api/http/quota.py", "cli/commands/plan.py"),
    ),
    Assumption(
        "date-told",
        "Every answer tells the server's time in Date.",
        relied_on=("api/http/session.py", "streams/search.py"),
    ),
    Assumption(
        "clocks-agree",
        "The server's clock is right, within two minutes of that of this machine.",
        relied_on=("streams/search.py",),
    ),
    Assumption(
        "no-updates-ahead",
        "No record was updated later than it is by the Date of the answers.",
        relied_on=("streams/search.py",),
    ),
    Assumption(
        "gzip",
        "Answers are compressed if that is accepted.",
        relied_on=("api/http/session.py",),
    ),
    Assumption(
        "json-untold",
        "Answers are JSON, and say so.",
        relied_on=("api/http/bodies.py",),
    ),
    Assumption(
        "json-plain",
        "They need no mending: no byte order mark, no NaN, no bare control character.",
        relied_on=("api/http/json_repair.py",),
    ),
    Assumption(
        "etag",
        "A record that is read alone is answered with an ETag.",
        said_in=("api/http/response.py",),
        relied_on=("cli/commands/get.py",),
    ),
)
