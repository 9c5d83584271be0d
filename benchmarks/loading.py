"""A load by dlt, as docs/dlt.md has it, run by `benchmarks.whole_way` with the packages of dlt."""

from __future__ import annotations

import os

import dlt
from dlt.destinations import duckdb, postgres

from tap_insightly.dlt import insightly, raise_if_unfinished


def main() -> None:
    """Load contacts; the destination and the settings are in the environment."""
    is_duckdb = "DESTINATION__DUCKDB__CREDENTIALS" in os.environ
    pipeline = dlt.pipeline(
        "whole_way",
        pipelines_dir="pipelines",
        destination=duckdb() if is_duckdb else postgres(),
        dataset_name="insightly",
    )
    pipeline.run(insightly(streams=["contacts"]), loader_file_format="parquet")
    raise_if_unfinished(pipeline)


if __name__ == "__main__":
    main()
