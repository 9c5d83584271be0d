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

_WHAT = ("missing", "gone", "older")
"""What `insightly verify` counts."""


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


def verification(project: Project) -> dg.AssetChecksDefinition:
    """Make the check that compares accounts with the warehouse, by ``insightly verify``."""

    @dg.multi_asset_check(
        name=f"{project.prefix}_verify_accounts",
        specs=[
            dg.AssetCheckSpec(
                VERIFY,
                asset=project.key(ACCOUNT),
                description="Whether the warehouse has what the accounts have (insightly verify).",
            )
        ],
        config_schema={
            "accounts": dg.Field(
                [str], is_required=False, description="Which accounts; by default all."
            )
        },
    )
    def verify(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        chosen = context.op_execution_context.op_config.get("accounts")
        found = {name: _verified(project, name) for name in chosen or project.accounts.names()}
        wrong = {name: what for name, what in found.items() if what["problem"]}
        rows = [dg.TableRecord({"account": name, **what}) for name, what in found.items()]
        yield dg.AssetCheckResult(
            passed=not wrong,
            description=" ".join(f"{name}: {what['problem']}" for name, what in wrong.items())
            or f"{len(found)} accounts were compared: nothing differs.",
            metadata={
                "accounts": len(found),
                "differing": len(wrong),
                **({"compared": dg.MetadataValue.table(rows)} if rows else {}),
            },
        )

    return verify


def _verified(project: Project, account: str) -> dict[str, Any]:
    """Compare an account with the warehouse."""
    assert project.verify is not None
    program, *options = (part.replace("{account}", account) for part in project.verify)
    folder = project.folder(account)
    command = [program, "--account", account, "verify", "--json", *options]
    if folder.state_file.exists():
        command += ["--state", str(folder.state_file)]
    with project.accounts.environment(account) as own:
        done = subprocess.run(  # noqa: S603 - what the user has set up
            command, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
    try:
        streams = json.loads(done.stdout)["streams"]
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines() or [f"Exit code {done.returncode}."]
        nothing = dict.fromkeys(("streams", *_WHAT), 0)
        return {**nothing, "problem": said[-1]}
    differ = [one["stream"] for one in streams if one["verdict"] == "differs"]
    counts = {what: sum(len(one.get(what) or ()) for one in streams) for what in _WHAT}
    problem = f"{', '.join(differ)} differ." if differ else ""
    return {"streams": len(streams), **counts, "problem": problem}
