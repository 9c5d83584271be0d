"""Tests of insightly-dagster, which run where Dagster is installed: `.tools/dagster`."""
