"""The source for dlt."""

# Without the future import: dlt makes its configuration of these annotations.

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from tap_insightly.api import InsightlyError
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.dlt.columns import table_of
from tap_insightly.dlt.incomplete import SOURCE
from tap_insightly.dlt.resources import Readings
from tap_insightly.dlt.tap import EmbeddedTap, selected

if TYPE_CHECKING:
    from tap_insightly.streams import InsightlyStream


@dlt.source(name=SOURCE, section=SOURCE)
def insightly(  # noqa: PLR0913 - as many as the tap has settings
    api_key: TSecretStrValue | None = None,
    pod: str | None = None,
    *,
    streams: list[str] | None = None,
    account: str | None = None,
    start_date: str | None = None,
    detect_deletes: bool | None = None,
    custom_fields: str | None = None,
    api_url: str | None = None,
    api_version: str | None = None,
    requests_per_second: float | None = None,
    max_concurrency: int | None = None,
    request_timeout: float | None = None,
    max_retries: int | None = None,
    quota_reserve: int | None = None,
    lookback_seconds: int | None = None,
    page_size: int | None = None,
    max_column_name_bytes: int | None = None,
    max_deletes_percent: float | None = None,
    refresh_days: float | None = None,
    child_streams_lookback_days: int | None = None,
    webhook_store: str | None = None,
    webhook_trust_minutes: float | None = None,
) -> Iterator[DltResource]:
    """Read Insightly: each stream of the tap is a resource, and each comes as tables of Arrow.

    What is not given comes from dlt's configuration: ``[sources.insightly]`` in ``secrets.toml``
    and ``config.toml``, or variables such as ``SOURCES__INSIGHTLY__API_KEY``. All but `streams` are
    the settings of the tap, with its defaults. The account is asked for its custom fields and
    custom objects at once.

    Rows are merged by their primary key. With `detect_deletes`, rows of records that are gone are
    removed. Streams that the tap does not select by default are not selected either, unless
    `streams` names them.

    Args:
        api_key: The API key, from User Settings > API.
        pod: The pod of the account, such as ``na1``, or the whole API URL.
        streams: The names of the streams to read, in a list; None for all. Fewer streams cost
            fewer requests.
        account: An account of the configuration file of ``insightly``, in place of key and address.
        start_date: Leave out records that were not updated since, a date.
        detect_deletes: Whether to find out which records are gone.
        custom_fields: ``columns``, ``array`` or ``both``.
        api_url: A base URL in place of pod and version.
        api_version: The version of the API.
        requests_per_second: The most requests that are started in any one second.
        max_concurrency: The most requests that are under way at once.
        request_timeout: How many seconds to wait for an answer.
        max_retries: How often a request is repeated.
        quota_reserve: Stop while this many of the day's requests are left.
        lookback_seconds: How many seconds behind its bookmark a stream starts.
        page_size: The most records to ask for at once.
        max_column_name_bytes: Names of columns that are longer are shortened; 0 for none.
        max_deletes_percent: The largest share of the records that may be called gone at once.
        refresh_days: In how many days each record is read again, whether it has changed or not.
        child_streams_lookback_days: How many days behind their bookmark child streams start.
        webhook_store: The file in which ``insightly serve`` keeps webhooks.
        webhook_trust_minutes: For how many minutes webhooks are trusted to tell of changes.

    Yields:
        Resources of dlt, named as the streams.

    Raises:
        InsightlyError: If a setting is wrong, if there is no such stream, or if the account cannot
            be asked.
    """
    config = {name: value for name, value in locals().items() if name != "streams"}
    tap = EmbeddedTap(config, wanted=streams or ())
    try:
        catalog, found = tap.catalog_dict, tap.streams
    finally:
        tap.close()
    _check(streams or (), found)
    names = streams or list(found)
    readings = Readings(config, selected(catalog, names))
    normalize = dlt.current.source_schema().naming.normalize_path
    for name, stream in found.items():
        if name in names:
            table = table_of(cast("InsightlyStream", stream), normalize)
            is_selected = bool(streams) or stream.selected_by_default
            yield readings.resource(table, is_selected=is_selected)


def _check(names: Sequence[str], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            hint = did_you_mean(close_names(name, known))
            msg = f"There is no stream {name!r}.{hint} It could be: {', '.join(known)}."
            raise InsightlyError(msg)
