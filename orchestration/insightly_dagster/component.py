"""The component: assets, checks, schedules and sensors for all accounts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from insightly_dagster import checks, sensors
from insightly_dagster.accounts import Accounts
from insightly_dagster.assets import account_assets
from insightly_dagster.loading import Programs
from insightly_dagster.project import Project
from insightly_dagster.streams import BY_DEFAULT, CUSTOM, GROUPS


class InsightlyAccounts(dg.Component, dg.Model, dg.Resolvable):
    """Loads any number of Insightly accounts, each into a schema of its own."""

    target: list[str] = Field(
        description="The command of the target, such as [target-postgres]. {account} stands for "
        "the name of the account, here and in the settings."
    )
    target_settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings of the target, without secrets. They go into its environment, where "
        "secrets such as TARGET_POSTGRES_PASSWORD already are.",
    )
    tap: list[str] | None = Field(
        default=None, description="The command of the tap; by default that of this environment."
    )
    tap_settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the tap, for all accounts; no key."
    )
    accounts: str | None = Field(
        default=None,
        description="module:function, which returns tables of accounts by name, as they would "
        "stand in insightly's configuration file. By default the accounts of that file.",
    )
    streams: list[str] | None = Field(
        default=None,
        description="Which streams; by default those that the tap selects by itself.",
    )
    custom_objects: list[str] = Field(
        default_factory=list,
        description="Streams of custom objects that shall have assets, such as fruit__c.",
    )
    folder: str = Field(
        default="insightly", description="Where state and catalog of each account are kept."
    )
    schedule: str | None = Field(
        default="0 * * * *", description="When accounts are loaded, as cron has it; null for never."
    )
    schedules: dict[str, str] = Field(
        default_factory=dict, description="Other times for some accounts, by name."
    )
    timezone: str = Field(default="UTC", description="The time zone of the schedules.")
    webhook_store: str | None = Field(
        default=None, description="The file in which insightly serve keeps webhooks."
    )
    late_after_hours: float = Field(
        default=26, gt=0, description="After how many hours a stream of an account is late."
    )
    catalog_hours: float = Field(
        default=24, ge=0, description="How old a catalog may be: new custom fields come that late."
    )
    verify: list[str] | None = Field(
        default=None,
        description="Options of insightly verify, such as [--schema, '{account}'], with which the "
        "asset check compares account and warehouse. INSIGHTLY_DSN says where that is. Each costs "
        "requests, so it runs when it is asked for, or by verify_schedule.",
    )
    verify_schedule: str | None = Field(default=None, description="When all accounts are verified.")
    pool: str = Field(default="insightly", description="The pool that all loads are in.")
    asset_prefix: str = Field(default="insightly", description="What asset keys begin with.")

    def build_defs(self, context: dg.ComponentLoadContext | None = None) -> dg.Definitions:
        """Make the definitions.

        Args:
            context: Where the component stands; None to begin relative paths where Dagster runs.

        Returns:
            The definitions.

        Raises:
            DagsterInvalidDefinitionError: If a stream is not known.
        """
        project = self._project(context.path if context else Path.cwd())
        assets = account_assets(project)
        return dg.Definitions(
            assets=[assets],
            asset_checks=[
                checks.freshness(project),
                *([] if self.verify is None else [checks.verification(project)]),
            ],
            jobs=project.jobs,
            schedules=sensors.schedules(
                project, self.schedule, self.schedules, self.timezone, self.verify_schedule
            ),
            sensors=sensors.sensors(
                project, self.webhook_store and str(self._below(context, self.webhook_store))
            ),
        )

    @staticmethod
    def _below(context: dg.ComponentLoadContext | None, path: str) -> Path:
        return (context.path if context else Path.cwd()) / Path(path).expanduser()

    def _project(self, base: Path) -> Project:
        names = BY_DEFAULT if self.streams is None else self.streams
        if unknown := sorted(set(names) - GROUPS.keys() - set(self.custom_objects)):
            msg = (
                f"streams: there is no stream {', '.join(unknown)}. Those of custom objects belong "
                "into custom_objects, too."
            )
            raise dg.DagsterInvalidDefinitionError(msg)
        groups = {name: GROUPS.get(name, CUSTOM) for name in [*names, *self.custom_objects]}
        source = Accounts(self.accounts)
        programs = Programs(
            tap=self.tap or [_beside_python("tap-insightly")],
            target=self.target,
            tap_settings=self.tap_settings,
            target_settings=self.target_settings,
            catalog_hours=self.catalog_hours,
        )
        return Project(
            accounts=source,
            programs=programs,
            root=base / Path(self.folder).expanduser(),
            groups=groups,
            is_default_selection=self.streams is None,
            late_after_hours=self.late_after_hours,
            verify=None if self.verify is None else (_beside_python("insightly"), *self.verify),
            pool=self.pool,
            prefix=self.asset_prefix,
        )


def _beside_python(name: str) -> str:
    """Find a command of this environment, which need not be in the path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name
