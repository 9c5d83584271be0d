"""The models on top, with a stream left out: what is counted from it is empty, and never too small."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.modelled import (
    AS_OF,
    MARKS,
    STREAM_NAMES,
    ask,
    at,
    dbt,
    dbt_each,
    loaded_account,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = MARKS

KEYS = {
    "customer_360": ("organisation_id",),
    "customer_people": ("organisation_id", "contact_id"),
    "customer_value_by_currency": ("organisation_id", "currency"),
    "open_activities_by_owner": ("user_id",),
    "opportunity_stage_history": ("opportunity_id", "place"),
    "opportunity_states": ("opportunity_id", "entered_at"),
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
    import duckdb  # noqa: PLC0415 - not there on every Python

    database = loaded_account(tmp_path_factory.mktemp("missing")).database
    with duckdb.connect(str(database)) as connection:
        for left_out in STREAM_NAMES:
            connection.execute(f"create schema only_{left_out}")
            for stream in set(STREAM_NAMES) - {left_out}:
                connection.execute(
                    f"create view only_{left_out}.{stream} as from insightly.{stream}"
                )
    commands = []
    for name in ("insightly", *(f"only_{stream}" for stream in STREAM_NAMES)):
        variables = at(AS_OF, insightly_schema=name, insightly_models=f"got_{name}")
        commands.append(
            ("run" if commands else "build", "--exclude-resource-type", "test", "--vars", variables)
        )
    done = dbt_each(database, commands)
    assert done.returncode == 0, done.stdout + done.stderr
    return database, done.stdout


def rows_of(database: Path, schema: str, mart: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = ask(database, f"from {schema}_marts.{mart}")
    found = {tuple(row[name] for name in KEYS[mart]): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("stream", STREAM_NAMES)
def test_without_a_stream_each_value_is_the_same_or_there_is_none(
    runs: tuple[Path, str], stream: str
) -> None:
    database, said = runs
    assert f"Stream {stream} was not loaded" in re.sub(r"\s+", " ", said)
    for mart in KEYS:
        whole = rows_of(database, "got_insightly", mart)
        less = rows_of(database, f"got_only_{stream}", mart)
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
