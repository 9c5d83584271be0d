"""What assets, checks, schedules and sensors have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg

from insightly_dagster.folder import AccountFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from insightly_dagster.accounts import Accounts
    from insightly_dagster.loading import Programs

ACCOUNT = "account"
"""The asset that stands for the whole account."""
VERIFY = "verify"
FRESH = "fresh"


@dataclass(frozen=True)
class Project:
    """An `InsightlyAccounts`, with what follows from its settings."""

    accounts: Accounts
    programs: Programs
    root: Path
    groups: Mapping[str, str]
    is_default_selection: bool
    late_after_hours: float
    verify: Sequence[str] | None
    pool: str
    prefix: str

    @cached_property
    def partitions(self) -> dg.DynamicPartitionsDefinition:
        """The accounts, as Dagster knows them."""
        return dg.DynamicPartitionsDefinition(name=f"{self.prefix}_accounts")

    def key(self, stream: str) -> dg.AssetKey:
        """Name the asset of a stream."""
        return dg.AssetKey([self.prefix, stream])

    @property
    def load_job_name(self) -> str:
        """The job that loads an account."""
        return f"{self.prefix}_load"

    @property
    def verify_job_name(self) -> str:
        """The job that verifies an account."""
        return f"{self.prefix}_verify"

    @property
    def fresh_job_name(self) -> str:
        """The job that looks whether all is fresh."""
        return f"{self.prefix}_fresh"

    @cached_property
    def jobs(self) -> list[dg.UnresolvedAssetJobDefinition]:
        """The jobs. Each run is one process: tap and target are processes of their own anyway."""
        whole = dg.AssetSelection.assets(self.key(ACCOUNT)).without_checks()
        found = [
            dg.define_asset_job(
                self.load_job_name,
                whole,
                description="Loads what is new in one account, of all its streams.",
                executor_def=dg.in_process_executor,
            )
        ]
        fresh = [dg.AssetCheckKey(self.key(name), FRESH) for name in (ACCOUNT, *self.groups)]
        found.append(
            dg.define_asset_job(
                self.fresh_job_name,
                dg.AssetSelection.checks(*fresh),
                description="Looks whether each stream of each account was read in time.",
                executor_def=dg.in_process_executor,
            )
        )
        if self.verify is not None:
            check = dg.AssetCheckKey(self.key(ACCOUNT), VERIFY)
            found.append(
                dg.define_asset_job(
                    self.verify_job_name,
                    dg.AssetSelection.checks(check),
                    description="Compares accounts with the warehouse.",
                    executor_def=dg.in_process_executor,
                )
            )
        return found

    def folder(self, account: str) -> AccountFolder:
        """Say where state and catalog of an account are."""
        return AccountFolder(self.root, account)
