"""The assets: one for each stream, and one that stands for the whole account."""

# No annotations as texts here: Dagster looks at those of ops.
import dataclasses
import resource
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from insightly_dagster.folder import AccountFolder, BusyError, utc_now
from insightly_dagster.loading import LoadError, Outcome, TryLaterError, load
from insightly_dagster.project import ACCOUNT, Project

RETRIES = 3
LONGEST_WAIT = 600
"""Seconds that a run waits for the next try. Longer waits end the run: see `sensors.later`."""


def account_assets(project: Project) -> dg.AssetsDefinition:
    """Make all assets, which one op loads: an account is one process and one rate limit."""
    common: dict[str, Any] = {"partitions_def": project.partitions, "kinds": {"insightly"}}
    whole = dg.AssetSpec(
        project.key(ACCOUNT),
        group_name=project.prefix,
        description="All streams of the account. Its runs load what is new in any of them.",
        **common,
    )
    specs = [
        dg.AssetSpec(
            project.key(stream),
            group_name=f"{project.prefix}_{group}",
            description=f"The stream {stream}. It is materialized when something of it came.",
            skippable=True,
            **common,
        )
        for stream, group in project.groups.items()
    ]
    whole = whole.replace_attributes(skippable=True)

    @dg.multi_asset(
        name=f"{project.prefix}_load_account",
        specs=[whole, *specs],
        can_subset=True,
        pool=project.pool,
    )
    def load_account(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _loaded(project, context, context.partition_key)

    return load_account


def _loaded(
    project: Project, context: dg.AssetExecutionContext, account: str
) -> Iterator[dg.MaterializeResult[Any]]:
    folder, selected = project.folder(account), context.selected_asset_keys
    names = [one for one in project.groups if project.key(one) in selected]
    is_whole = project.key(ACCOUNT) in selected
    everything = None if project.is_default_selection else list(project.groups)
    earlier, cpu_before = folder.ended, _cpu_of_children()
    outcome = _run(project, context, account, everything if is_whole else names)
    now = utc_now()
    read = {name: one for name, one in outcome.report["streams"].items() if one["is_whole"]}
    times = {name: now.isoformat() for name in read}
    unavailable = [n for n, one in outcome.report["streams"].items() if not one["is_available"]]
    folder.end(
        retry_at=None,
        error=None,
        streams=earlier.get("streams", {}) | times,
        unavailable=unavailable,
    )
    for name in outcome.report["streams"]:
        metadata = _stream_metadata(name, outcome, earlier, now)
        if name in names:
            yield dg.MaterializeResult(asset_key=project.key(name), metadata=metadata)
        elif outcome.sent[name] or name not in earlier.get("streams", {}):
            context.log_event(
                dg.AssetMaterialization(project.key(name), metadata=metadata, partition=account)
            )
    if is_whole:
        metadata = _account_metadata(outcome, earlier, folder, now)
        metadata["cpu_seconds"] = round(_cpu_of_children() - cpu_before, 2)
        yield dg.MaterializeResult(asset_key=project.key(ACCOUNT), metadata=metadata)


def _run(
    project: Project, context: dg.AssetExecutionContext, account: str, streams: list[str] | None
) -> Outcome:
    folder = project.folder(account)
    if at := folder.waits_until:
        text = f"{folder.ended.get('error')} Nothing was asked again."
        raise _later(context, folder, text, at)
    try:
        programs = dataclasses.replace(project.programs, hidden=project.accounts.hidden)
        with project.accounts.environment(account) as own:
            return load(account, programs, folder, own, streams)
    except TryLaterError as error:
        raise _later(context, folder, str(error), error.retry_at) from None
    except BusyError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except (LoadError, ValueError) as error:
        folder.end(error=str(error), retry_at=None)
        raise dg.Failure(str(error), allow_retries=False) from None


def _later(
    context: dg.AssetExecutionContext, folder: AccountFolder, text: str, at: datetime | None
) -> dg.RetryRequested | dg.Failure:
    """Try again when it makes sense: soon in this run, or else in another one, at a time."""
    if at is None:
        if context.retry_number < RETRIES:
            context.log.warning(text)
            return dg.RetryRequested(RETRIES, min(30 * 4**context.retry_number, LONGEST_WAIT))
        folder.end(error=text, retry_at=None)
        return dg.Failure(text, allow_retries=False)
    folder.end(error=text, retry_at=at.isoformat())
    text = f"{text} The next run begins at {at:%Y-%m-%d %H:%M} UTC."
    return dg.Failure(text, {"retry_at": dg.MetadataValue.timestamp(at)}, allow_retries=False)


def _stream_metadata(
    name: str, outcome: Outcome, earlier: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    report = outcome.report["streams"][name]
    return {
        "records": outcome.sent[name],
        "records_read": report["records"],
        "requests": report["requests"],
        **_lag(earlier.get("streams", {}).get(name), now),
    }


def _account_metadata(
    outcome: Outcome, earlier: Mapping[str, Any], folder: AccountFolder, now: datetime
) -> dict[str, Any]:
    report = outcome.report
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    quota = {"quota_left": report["quota_remaining"], "quota_limit": report["quota_limit"]}
    return {
        "records": outcome.sent.total(),
        "records_read": sum(one["records"] for one in report["streams"].values()),
        "requests": report["requests"],
        "retries": report["retries"],
        **{name: number for name, number in quota.items() if number is not None},
        **_lag(earlier.get("at"), now),
        "seconds": round(outcome.seconds, 2),
        "memory_mb": round(memory / 1024, 1),
        "target_started": outcome.is_target_started,
        "state": dg.MetadataValue.path(folder.state_file),
    }


def _cpu_of_children() -> float:
    """Say how many seconds of CPU tap and target took, and those before them in this process."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _lag(before: str | None, now: datetime) -> dict[str, float]:
    """Say how long a change can have waited until it was loaded: since it was last read whole."""
    if before is None:
        return {}
    return {"lag_minutes": round((now - datetime.fromisoformat(before)).total_seconds() / 60, 2)}
