"""What starts runs: schedules, the webhook store, and the moment that quota is there again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator  # noqa: TC003 - Dagster looks at annotations
from typing import TYPE_CHECKING

import dagster as dg

from tap_insightly.webhooks.store import EventStore, Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from insightly_dagster.project import Project

_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_UNFINISHED = [*_WAITING, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
PARTITION = "dagster/partition"


def schedules(
    project: Project,
    cron: str | None,
    others: Mapping[str, str],
    timezone: str,
    verify_cron: str | None,
) -> list[dg.ScheduleDefinition]:
    """Make a schedule for each of the times at which accounts are loaded."""
    times: dict[str, list[str]] = defaultdict(list)
    for account, other in others.items():
        times[other].append(account)
    found = []
    if cron is not None:
        found.append(
            _schedule(
                project, f"{project.load_job_name}_schedule", cron, timezone, None, set(others)
            )
        )
    for number, (other, accounts) in enumerate(sorted(times.items()), 1):
        name = f"{project.load_job_name}_schedule_{number}"
        found.append(_schedule(project, name, other, timezone, set(accounts), set()))
    if verify_cron is not None and project.verify is not None:
        found.append(_whole(project.verify_job_name, verify_cron, timezone))
    found.append(_whole(project.fresh_job_name, "30 * * * *", "UTC"))
    return found


def _whole(job_name: str, cron: str, timezone: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{job_name}_schedule",
        cron_schedule=cron,
        job_name=job_name,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def _schedule(
    project: Project,
    name: str,
    cron: str,
    timezone: str,
    only: set[str] | None,
    without: set[str],
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        cron_schedule=cron,
        job_name=project.load_job_name,
        execution_timezone=timezone,
        description="Loads accounts, but for those that are being loaded or wait for their quota.",
    )
    def due(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        known = _known(project, context.instance)
        wanted = [one for one in known if one not in without and (only is None or one in only)]
        busy = _accounts_of_runs(context.instance, project.load_job_name, _UNFINISHED)
        at = context.scheduled_execution_time.isoformat()
        started = False
        for account in wanted:
            if account not in busy and project.folder(account).waits_until is None:
                started = True
                yield dg.RunRequest(run_key=f"{account} {at}", partition_key=account)
        if not started:
            yield dg.SkipReason("No account is due: all are being loaded, or wait for their quota.")

    return due


def sensors(project: Project, webhook_store: str | None) -> list[dg.SensorDefinition]:
    """Make the sensors."""
    found = [_accounts(project), _later(project)]
    if webhook_store is not None:
        found.append(_webhooks(project, webhook_store))
    return found


def _accounts(project: Project) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{project.prefix}_accounts",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Keeps the partitions as the accounts are.",
    )
    def accounts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        wanted, known = project.accounts.names(), set(_known(project, context.instance))
        requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
        if new := [one for one in wanted if one not in known]:
            requests.append(project.partitions.build_add_request(new))
        if gone := sorted(known - set(wanted)):
            requests.append(project.partitions.build_delete_request(gone))
        return dg.SensorResult(dynamic_partitions_requests=requests)

    return accounts


def _later(project: Project) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{project.prefix}_quota",
        minimum_interval_seconds=60,
        job_name=project.load_job_name,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads accounts whose quota was spent, once there is a new one.",
    )
    def quota(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
        for account in _known(project, context.instance):
            folder = project.folder(account)
            at = folder.ended.get("retry_at")
            if at and folder.waits_until is None:
                yield dg.RunRequest(run_key=f"quota {account} {at}", partition_key=account)

    return quota


def _webhooks(project: Project, path: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{project.prefix}_webhooks",
        minimum_interval_seconds=30,
        job_name=project.load_job_name,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads the accounts of which webhooks came.",
    )
    def webhooks(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with EventStore(path) as store:
            standing = store.standing()
            cursor = json.loads(context.cursor) if context.cursor else {}
            seen = cursor.get("position", 0) if cursor.get("store") == standing.store_id else 0
            events = store.events(Selection(is_rejected=False, after_position=seen))
            told: dict[str, int] = {}
            for event in events:
                told[event.account] = seen = event.position
        known = set(_known(project, context.instance))
        queued = _accounts_of_runs(context.instance, project.load_job_name, _WAITING)
        requests = [
            dg.RunRequest(
                run_key=f"webhook {standing.store_id} {account} {position}", partition_key=account
            )
            for account, position in told.items()
            if account in known
            and account not in queued  # which will read it
            and project.folder(account).waits_until is None  # then `quota` starts it
        ]
        cursor = json.dumps({"store": standing.store_id, "position": seen})
        return dg.SensorResult(run_requests=requests, cursor=cursor)

    return webhooks


def _known(project: Project, instance: dg.DagsterInstance) -> list[str]:
    return list(instance.get_dynamic_partitions(str(project.partitions.name)))


def _accounts_of_runs(
    instance: dg.DagsterInstance, job: str, statuses: Iterable[dg.DagsterRunStatus]
) -> set[str]:
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=list(statuses)))
    return {run.tags.get(PARTITION, "") for run in runs}
