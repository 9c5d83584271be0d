"""Asset checks: whether each stream of each account is fresh, and whether all has arrived."""

# No annotations as texts here: Dagster looks at those of ops.
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from insightly_dagster.folder import utc_now
from insightly_dagster.project import ACCOUNT, FRESH, VERIFY, Project



def freshness(project: Project) -> dg.AssetChecksDefinition:
    """Make a check of each asset, which names the accounts that are late. It asks nobody."""
    specs = [
        dg.AssetCheckSpec(
            FRESH,
            asset=project.key(name),
            description="Whether it was read to its end in time, in each account.",
        )
        for name in (ACCOUNT, *project.groups)
    ]

    @dg.multi_asset_check(name=f"{project.prefix}_look_for_late", specs=specs, can_subset=True)
    def fresh(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        ended = {name: project.folder(name).ended for name in project.accounts.names()}
        for key in context.selected_asset_check_keys:
            stream = key.asset_key.path[-1]
            late = dict(_late(stream, ended, utc_now() - timedelta(hours=project.late_after_hours)))
            yield dg.AssetCheckResult(
                passed=not late,
                asset_key=key.asset_key,
                check_name=key.name,
                severity=dg.AssetCheckSeverity.ERROR
                if stream == ACCOUNT
                else dg.AssetCheckSeverity.WARN,
                description=f"Late: {', '.join(late)}." if late else "All accounts are in time.",
                metadata={"late": len(late), "accounts": len(ended), **_table(late, ended)},
            )

    return fresh


def _late(
    stream: str, ended: dict[str, dict[str, Any]], oldest: datetime
) -> Iterator[tuple[str, str]]:
    """List accounts in which a stream was not read since a moment, and when it was."""
    for account, how in ended.items():
        times = how.get("streams", {})
        if stream == ACCOUNT:  # what no other stream is later than
            gone = set(how.get("unavailable", ()))
            last = min((at for name, at in times.items() if name not in gone), default=None)
        elif stream in how.get("unavailable", ()):
            continue
        else:
            last = times.get(stream)
        if last is None or datetime.fromisoformat(last) < oldest:
            yield account, last or "never"


def _table(late: dict[str, str], ended: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if not late:
        return {}
    rows = [
        dg.TableRecord(
            {"account": name, "last_read": last, "why": str(ended[name].get("error") or "")}
        )
        for name, last in late.items()
    ]
    return {"late_accounts": dg.MetadataValue.table(rows)}


def verify_result(project: Project, account: str) -> dg.AssetCheckResult:
    """Compare an account with the warehouse, by ``insightly verify``."""
    assert project.verify
    program, *options = (part.replace("{account}", account) for part in project.verify)
    folder = project.folder(account)
    command = [program, "--account", account, "verify", "--json", *options]
    if folder.catalog_file.exists():
        command += ["--catalog", str(folder.catalog_file)]
    if folder.state_file.exists():
        command += ["--state", str(folder.state_file)]
    with project.accounts.environment(account) as own:
        done = subprocess.run(  # noqa: S603 - what the user has set up
            command, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
    try:
        streams = json.loads(done.stdout)["streams"]
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise dg.Failure(f"insightly verify failed: {said[-1]}", allow_retries=False) from None
    differ = [one for one in streams if one["verdict"] == "differs"]
    counts = {
        what: sum(len(one.get(what) or ()) for one in streams)
        for what in ("missing", "gone", "older")
    }
    named = ", ".join(one["stream"] for one in differ)
    return dg.AssetCheckResult(
        check_name=VERIFY,
        asset_key=project.key(ACCOUNT),
        passed=done.returncode == 0,
        description=f"Differ: {named}." if differ else f"{len(streams)} streams were compared.",
        metadata={"account": account, "streams": len(streams), **counts},
    )
