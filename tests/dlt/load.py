"""A process that loads, and can be made to die at any step of that."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import dlt
from dlt.common.storages.exceptions import SchemaNotFoundError
from dlt.pipeline.exceptions import PipelineStepFailed

from tap_insightly.dlt import insightly, raise_if_unfinished, reading
from tests.conftest import KEY

if TYPE_CHECKING:
    from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR
MOVING = {"os.rename", "os.remove", "os.mkdir", "os.link", "shutil.rmtree"}


def pipeline_in(folder: Path) -> dlt.Pipeline:
    """The pipeline of a folder."""
    return dlt.pipeline(
        "insightly",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "warehouse.duckdb")),
        dataset_name="crm",
    )


def load(folder: Path, url: str, dies_at: int) -> None:
    """Load what is there; with a number, die at the so-manieth step that changes files.

    How many steps there were is in the file ``steps`` then.
    """
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    os.chdir(folder)
    left = [dies_at]

    def step(event: str, arguments: tuple[object, ...]) -> None:
        flags = arguments[2] if event == "open" else 0
        if event in MOVING or (isinstance(flags, int) and flags & WRITING):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    reading.ROWS = 1  # a table for each page
    pipeline = pipeline_in(folder)
    is_done = False
    while not is_done:
        is_done = not pipeline.has_pending_data  # of a run that was killed: dlt loads that alone
        source = insightly(
            KEY,
            api_url=url,
            streams=["contacts"],
            detect_deletes=True,
            requests_per_second=100,
            page_size=10,
            lookback_seconds=1,
        )
        try:
            pipeline.run(source)
        except PipelineStepFailed as error:
            if not isinstance(error.__cause__, SchemaNotFoundError):
                raise
            # Killed between two files of dlt's own; docs/dlt.md says what to do.
            pipeline = pipeline.drop()
            is_done = False
    raise_if_unfinished(pipeline)
    (folder / "steps").write_text(str(dies_at - left[0]))
