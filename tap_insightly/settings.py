"""The tap's settings."""

from __future__ import annotations

from tap_insightly.config_schema import BOOLEAN, TEXT, Setting, choice, integer, number
from tap_insightly.connection_settings import ACCOUNT, ADDRESS, CONNECTION, PACE
from tap_insightly.values import parse_moment

__all__ = ["CONNECTION", "SETTINGS"]


def _is_moment(value: str) -> bool:
    try:
        return bool(parse_moment(value))
    except ValueError:
        return False


SETTINGS = (
    *ADDRESS,
    ACCOUNT,
    Setting(
        "start_date",
        "Start date",
        "Leave out records that were not updated since, in the first sync of streams that are "
        "read incrementally. Without it, everything is read.",
        "a date or a date and time, such as 2026-01-31 or 2026-01-31T08:00:00Z",
        {"type": ["string"], "format": "date-time"},
        check=_is_moment,
    ),
    *PACE,
    Setting(
        "lookback_seconds",
        "Look-back",
        "How many seconds behind its bookmark an incremental sync starts. Records changed in that "
        "time come twice; targets that upsert by key do not mind.",
        "a whole number of seconds from 1 to 31622400 (a year)",
        integer(1, 31_622_400),
        default=60,
    ),
    Setting(
        "page_size",
        "Page size",
        "The most records to ask for at once. Insightly hands out 500 at most. Pages of large "
        "records are made smaller by themselves, so this is only for servers on the way that "
        "cannot take as much.",
        "a whole number from 2 to 500",
        integer(2, 500),
        default=500,
    ),
    Setting(
        "custom_fields",
        "Custom fields",
        "How custom fields arrive: columns (one typed column for each), array (the raw array "
        "CUSTOMFIELDS), or both.",
        "columns, array or both",
        choice("columns", "array", "both"),
        default="columns",
    ),
    Setting(
        "max_column_name_bytes",
        "Longest column name",
        "Names of columns that are longer than this many bytes are shortened at discovery, because "
        "Postgres takes 63 and others not much more. The description has the full name. 0 leaves "
        "all names as they are.",
        "0 (no limit), or a whole number of bytes from 10 to 1000",
        {**integer(0, 1000), "not": {"exclusiveMinimum": 0, "exclusiveMaximum": 10}},
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
        BOOLEAN,
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
        number(0, 100),
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
        number(0, 3660),
        default=0,
    ),
    Setting(
        "tombstone_schema",
        "Schema of tombstones",
        "What comes before the records that say what is gone: own (a schema of the key and "
        "_sdc_deleted_at alone, so that databases keep what else they know of a record) or stream "
        "(the schema of the stream, for targets that cannot take a second one, such as CSV files).",
        "own or stream",
        choice("own", "stream"),
        default="own",
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
        integer(0, 3660),
        default=0,
    ),
    Setting(
        "webhook_store",
        "Webhook store",
        "The file in which insightly serve keeps the webhooks that Insightly sent. With it, a sync "
        "asks only about the streams for which some have come since the last one, and about all "
        "others once webhook_trust_minutes are over.",
        "the path of the file that insightly serve writes",
        TEXT,
    ),
    Setting(
        "webhook_trust_minutes",
        "Trust in webhooks",
        "For how many minutes a stream need not be asked about while no webhook tells of a change. "
        "Webhooks see neither deletions nor bulk imports, and may be lost, so what they miss is "
        "read after that time at the latest. 0 asks about every stream in each sync.",
        "a number of minutes from 0 to 10080",
        number(0, 10080),
        default=60,
    ),
    Setting(
        "report_file",
        "Report",
        "A file into which a sync writes at its end, also if it fails, what it did and what it "
        "cost, as JSON: records and requests of each stream, and what is left of the day's "
        "requests. For programs that start the tap.",
        "the path of a file",
        TEXT,
    ),
)
