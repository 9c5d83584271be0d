"""``insightly verify``: whether a warehouse holds what the account has."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.api.http.errors import InsightlyError
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.cli.commands.plan import unread
from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import format_option, write_rows, write_table
from tap_insightly.exit_codes import FAILED, TRY_AGAIN, USAGE, beside_findings, exit_code
from tap_insightly.given_files import content_of
from tap_insightly.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.cli.unread_tap import UnreadTap
    from tap_insightly.verify import ComparableStream, StreamResult, ValuesResult, VerifyOptions
    from tap_insightly.verify.warehouse import Warehouse

DIFFERENT, NOT_COMPARED = FAILED, USAGE  # exit codes
_NAMED = 10  # keys that are named below the table; --json has all
_KINDS = {
    "missing": "missing in the warehouse",
    "gone": "gone from the account",
    "older": "older in the warehouse",
    "newer": "newer in the warehouse",
}


class NotComparedError(click.ClickException):
    """Nothing could be compared."""

    def __init__(self, message: str, code: int = NOT_COMPARED) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click asks the exception


@dataclass(frozen=True)
class VerifyResult:
    """What the whole comparison has found."""

    streams: Sequence[StreamResult]
    values: ValuesResult | None
    """None if no whole records were to be compared."""
    seed: int | None
    """What chose these records, so that they can be compared again."""
    requests: int
    is_quota_left: bool = True
    """Whether the account could be asked more today."""

    @property
    def code(self) -> int:
        """The exit code."""
        verdicts = {one.verdict for one in self.streams}
        if "differs" in verdicts or (self.values and self.values.differing):
            return DIFFERENT
        is_short = "not compared" in verdicts or verdicts <= {"left out"}
        if not is_short and not (self.values and self.values.failed):
            return 0
        return NOT_COMPARED if self.is_quota_left else TRY_AGAIN


@click.command("verify")
@click.option(
    "--dsn",
    envvar="INSIGHTLY_DSN",
    metavar="DSN",
    help=(
        "The warehouse: postgresql://..., or a DuckDB file. A password is better given in "
        "INSIGHTLY_DSN, as others on this machine can see options."
    ),
)
@click.option(
    "--from", "file", metavar="FILE", help="Keys and dates of one stream, as CSV or Parquet."
)
@click.option("--catalog", type=click.File("rb"), help="The catalog of the syncs.")
@click.option("--state", type=click.File("rb"), help="The state of the last sync.")
@click.option("--schema", metavar="NAME", help="The schema of the tables, if several have them.")
@click.option("--stream", "streams", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--dates", is_flag=True, help="Compare all dates: a request for each 500 records.")
@click.option(
    "--values",
    type=click.IntRange(min=0),
    default=0,
    metavar="NUMBER",
    help="Compare this many whole records, chosen at random: a request each.",
)
@click.option("--seed", type=int, metavar="NUMBER", help="Take the records of an earlier run.")
@with_settings(SETTINGS)
@format_option()
def verify(config: dict[str, Any], *, form: str, **options: Any) -> None:  # noqa: ANN401 - as click has it
    """Say whether a warehouse holds what the account has.

    Compares ids and dates of update, stream by stream, and names what is missing, gone or older.
    Only reads, and sends few requests: one for a stream in which nothing differs. What changed
    after the last sync is listed apart, and is no difference.

    Exit codes: 0 the same, 1 something differs, 2 it could not be compared, 75 neither now, but
    perhaps later (quota, network), 77 the key is not accepted.

    \b
    Examples:
      $ insightly verify --dsn warehouse.duckdb
      $ insightly verify --dsn warehouse.duckdb --catalog catalog.json --state state.json --dates
      $ insightly verify --from contacts.csv --stream contacts
    """
    _check(options)
    from tap_insightly.verify import NotComparableError

    try:
        result = _verify(config, options)
    except (NotComparableError, InsightlyError) as error:
        raise NotComparedError(str(error), beside_findings(exit_code(error))) from None
    whole = _as_json(result)
    write_rows(form, whole["streams"], lambda: _show(result), whole=whole)
    click.get_current_context().exit(result.code)


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that exclude each other."""
    if bool(options["dsn"]) == bool(options["file"]) and not options["file"]:
        msg = "Say where the warehouse is: --dsn, INSIGHTLY_DSN, or --from with a file of keys."
        raise click.UsageError(msg)
    if not options["file"]:
        return
    if len(options["streams"]) != 1:
        msg = "A file holds one stream: say by one --stream which one it is."
        raise click.UsageError(msg)
    for name in ("schema", "values"):
        if options[name]:
            msg = f"--{name} is for warehouses, and --from for files of keys and dates."
            raise click.UsageError(msg)


def _verify(config: dict[str, Any], options: Mapping[str, Any]) -> VerifyResult:
    from tap_insightly.verify import verify as compare

    catalog, state = (
        content_of(options["catalog"], "catalog"),
        content_of(options["state"], "state"),
    )
    with _open_warehouse(options) as warehouse, closing(unread(config, catalog, None)) as tap:
        tap.needs_custom_fields = bool(options["values"])  # or they would differ
        request = _options(tap, options, state or {})
        results, values = compare(request, warehouse, tap.run.session)
        if not results:
            where = f"schema {options['schema']}" if options["schema"] else "the warehouse"
            msg = f"There is no table of any stream in {where} that this user can see."
            raise NotComparedError(msg)
        is_seeded = bool(options["values"])
        return VerifyResult(
            results,
            values if is_seeded else None,
            request.seed if is_seeded else None,
            tap.run.session.stats.requests,
            is_quota_left=tap.run.session.quota.shortage() is None,
        )


def _open_warehouse(options: Mapping[str, Any]) -> Warehouse:
    from tap_insightly.verify import open_file, open_warehouse

    if options["file"]:
        return open_file(options["file"])
    return open_warehouse(options["dsn"], options["schema"])


def _options(tap: UnreadTap, options: Mapping[str, Any], state: Mapping[str, Any]) -> VerifyOptions:
    from tap_insightly.verify import VerifyOptions

    seed = options["seed"]
    return VerifyOptions(
        list(_streams(tap, options["streams"])),
        is_required=bool(options["streams"]) or tap.input_catalog is not None,
        bookmarks=dict(_bookmarks(state)),
        is_each_date=options["dates"],
        values=options["values"],
        seed=random.randrange(10**6) if seed is None else seed,  # noqa: S311 - no secret
        page_size=tap.config["page_size"],
    )


def _streams(tap: UnreadTap, names: Sequence[str]) -> Iterator[ComparableStream]:
    """Choose streams: those that are named, else those of the catalog, else all."""
    from tap_insightly.streams import InsightlyStream
    from tap_insightly.verify import ComparableStream

    streams = {name: one for name, one in tap.streams.items() if isinstance(one, InsightlyStream)}
    by_name = {name.casefold(): one for name, one in streams.items()}
    for name in names:
        if name.casefold() not in by_name:
            hint = did_you_mean(close_names(name, streams))
            msg = f"There is no stream '{name}'.{hint}"
            raise click.UsageError(msg)
    chosen: Iterable[InsightlyStream] = streams.values()
    if names:
        chosen = dict.fromkeys(by_name[name.casefold()] for name in names)
    elif tap.input_catalog is not None:
        chosen = tap.selected_streams()
    yield from map(ComparableStream, chosen)


def _bookmarks(state: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    from tap_insightly.verify.rows import seconds

    for name, own in state.get("bookmarks", {}).items():
        moment = seconds(own.get("replication_key_value"))
        if moment is not None:
            yield name, moment


def _as_json(result: VerifyResult) -> dict[str, Any]:
    return {
        "streams": [
            {
                name: list(map(_json_key, value)) if name in _LISTS else value
                for name, value in asdict(one).items()
            }
            for one in result.streams
        ],
        "values": result.values and {**asdict(result.values), "seed": result.seed},
        "requests": result.requests,
        "requests_for_dates": sum(one.requests_for_dates for one in result.streams),
    }


_LISTS = (*_KINDS, "changed_since")


def _json_key(key: Any) -> Any:  # noqa: ANN401 - a number, or texts
    if isinstance(key, tuple):
        return key[0] if len(key) == 1 else list(key)
    return key


def _text_key(key: Any) -> str:  # noqa: ANN401 - as above
    return " ".join(key) if isinstance(key, tuple) else str(key)


def _show(result: VerifyResult) -> None:
    write_table(
        (
            "stream",
            "table",
            "account",
            "warehouse",
            "missing",
            "gone",
            "older",
            "changed since",
            "dates compared",
            "result",
        ),
        map(_row, result.streams),
    )
    lines = [line for one in result.streams for line in _differences(one)]
    if result.values:
        lines += _value_differences(result.values, result.seed)
    for group in (lines, list(_hints(result))):
        if group:
            click.echo()
            click.echo("\n".join(group))


def _row(one: StreamResult) -> tuple[object, ...]:
    if one.verdict in {"left out", "not compared"}:
        return one.stream, one.table, None, one.warehouse, *[None] * 5, one.verdict
    dates = f"{one.dates_compared:,} of {one.dates:,}" if one.dates else "none"
    counts = [len(keys) for keys in (one.missing, one.gone, one.older, one.changed_since)]
    is_counted_only = one.counted and one.verdict == "same"
    result = "same, by count" if is_counted_only else one.verdict
    return one.stream, one.table, one.account, one.warehouse, *counts, dates, result


def _differences(one: StreamResult) -> Iterator[str]:
    """Name what differs, and add the notes."""
    for name, words in _KINDS.items():
        keys = getattr(one, name)
        if keys:
            named = ", ".join(map(_text_key, keys[:_NAMED]))
            more = f" and {len(keys) - _NAMED:,} more (--json)" if len(keys) > _NAMED else ""
            yield f"{one.stream}: {words}: {named}{more}"
    yield from (f"{one.stream}: {note}" for note in one.notes)


def _value_differences(values: ValuesResult, seed: int | None) -> Iterator[str]:
    for one in values.differing:
        yield f"{one.stream} {one.key} differs in {', '.join(one.columns)}"
    yield from values.notes
    since = f", {values.changed_since:,} have another date" if values.changed_since else ""
    failed = f", {values.failed:,} could not be compared" if values.failed else ""
    yield (
        f"{values.compared:,} whole records compared (--seed {seed}): "
        f"{len(values.differing):,} differ{since}{failed}."
    )


def _hints(result: VerifyResult) -> Iterator[str]:
    streams = result.streams
    if any(one.gone for one in streams):
        yield (
            "What is gone may have gone after the last sync: there is no date of it. A sync with "
            "detect_deletes marks it."
        )
    if any(one.counted for one in streams):
        yield (
            "Ids were counted: as many missing as gone, side by side, do not show. --dates reads "
            "each id and each date."
        )
    cost = sum(one.requests_for_dates for one in streams)
    if cost:
        compared = sum(one.dates_compared for one in streams)
        dates = sum(one.dates for one in streams)
        yield (
            f"Dates: {compared:,} of {dates:,} compared, on the pages that were read anyway. All "
            f"of them (--dates) take about {cost:,} requests."
        )
    yield f"{result.requests:,} requests."
