"""The models on top, with a stream left out: what is counted from it is null, never too small."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.modelled import (
    AS_OF,
    MARKS,
    STREAM_NAMES,
    ask,
    at,
    dbt_each,
    loaded_account,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = MARKS

KEYS = {
    "customer_360": ("organisation_id",),
    "customer_people": ("organisation_id", "contact_id"),
    "customer_value_by_currency": ("organisation_id", "currency"),
    "open_activities_by_owner": ("user_id",),
    "opportunity_stage_history": ("opportunity_id", "place"),
    "opportunity_states": ("opportunity_id", "entered_at", "state"),
    "pipeline_as_it_was": ("month_end", "pipeline_id", "stage_id", "currency"),
    "pipeline_by_month": ("month_end", "pipeline_id", "current_stage_id", "currency"),
    "pipeline_velocity": ("month_end", "pipeline_id", "currency"),
    "stage_conversion": ("pipeline_id", "stage_id"),
}
"""What a row of each mart is about."""
OWN_WORD = {
    ("opportunity_states", "opportunity_state_history"): "is_recorded",
    ("opportunity_stage_history", "opportunity_state_history"): "entered_not_before",
}
"""Where a row is another one without a stream, and says by this column that it is not sure."""
FEWER_ROWS = {
    "organisations": {"customer_360", "customer_people", "customer_value_by_currency"},
    "contacts": {"customer_people"},
    "links": {"customer_people"},
    "opportunities": {
        *("customer_people customer_value_by_currency opportunity_stage_history").split(),
        *("opportunity_states pipeline_as_it_was pipeline_by_month").split(),
        *("pipeline_velocity stage_conversion").split(),
    },
    "opportunity_state_history": {"opportunity_states", "pipeline_by_month"},
    "tasks": {"open_activities_by_owner"},
    "events": {"open_activities_by_owner"},
    "users": {"open_activities_by_owner"},
}
"""The marts that have fewer rows without a stream."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Build the models with all streams, and without each in turn."""
    database = loaded_account(tmp_path_factory.mktemp("missing")).database
    variables = ("--exclude-resource-type", "test", "--vars", at(AS_OF))
    steps: list[Sequence[str] | str] = [("--quiet", "build", *variables), kept("all")]
    before = ""
    for stream in STREAM_NAMES:
        steps += [
            f"alter table insightly.{stream} rename to away",
            # With the models that had lacked the stream before.
            (
                "build",
                "--select",
                f"{made_of(stream)} {before}",
                "--exclude",
                "*_versions",
                *variables,
            ),
            kept(stream),
            f"alter table insightly.away rename to {stream}",
        ]
        before = made_of(stream)
    done = dbt_each(database, steps)
    assert done.returncode == 0, done.stdout + done.stderr
    return database, done.stdout


def made_of(stream: str) -> str:
    """Select the models that take a stream."""
    return f"source:insightly.insightly.{stream}+"


def kept(name: str) -> str:
    """Copy the marts as they are now."""
    copies = (f"create table got_{name}.{mart} as from insightly_marts.{mart}" for mart in KEYS)
    return "; ".join((f"create schema got_{name}", *copies))


def rows_of(database: Path, name: str, mart: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = ask(database, f"from got_{name}.{mart}")
    found = {tuple(row[column] for column in KEYS[mart]): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("stream", STREAM_NAMES)
def test_without_a_stream_each_value_is_the_same_or_there_is_none(
    runs: tuple[Path, str], stream: str
) -> None:
    database, said = runs
    assert f"Stream {stream} was not loaded" in re.sub(r"\s+", " ", said)
    for mart in KEYS:
        whole = rows_of(database, "all", mart)
        less = rows_of(database, stream, mart)
        assert whole
        if (mart, stream) in OWN_WORD:
            assert all(row[OWN_WORD[mart, stream]] is not None for row in less.values())
            continue
        assert not set(less) - set(whole), mart
        if mart not in FEWER_ROWS.get(stream, ()):
            assert set(less) == set(whole), mart
        for key, row in less.items():
            other = {c: v for c, v in row.items() if v is not None and v != whole[key][c]}
            assert not other, (mart, key, {c: (v, whole[key][c]) for c, v in other.items()})
