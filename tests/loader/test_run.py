"""A run closes whatever was opened in it, even if its report cannot be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_insightly.api import ClosedError, InsightlyError
from tap_insightly.loader import TargetInsightly
from tests.conftest import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@pytest.mark.parametrize("is_report_lost", [False, True])
def test_a_run_closes_what_was_opened_the_last_first_and_then_the_client(
    sandbox: Sandbox, tmp_path: Path, *, is_report_lost: bool
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    config = {"api_key": KEY, "api_url": sandbox.api_url, "report_file": str(folder / "report")}
    run = TargetInsightly(config=config).run
    closed: list[str] = []
    run.opened.callback(closed.append, "id map")
    run.opened.callback(closed.append, "copier")
    if is_report_lost:
        folder.rmdir()
        with pytest.raises(InsightlyError, match="report cannot be written"):
            run.close()
    else:
        run.close()
        assert (folder / "report").exists()
    assert closed == ["copier", "id map"]
    with pytest.raises(ClosedError):
        run.client.session.get("/Instance")
