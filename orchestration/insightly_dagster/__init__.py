"""Many Insightly accounts on Dagster."""

from insightly_dagster.component import InsightlyAccounts

__all__ = ["InsightlyAccounts"]
