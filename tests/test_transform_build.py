"""The models on top, as a project: what it takes, what it refuses, and what it leaves behind."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
import yaml

from tap_insightly.streams import STREAMS
from tests.modelled import (
    MARKS,
    MODELS,
    OPTIONAL,
    RELATED,
    ROOT,
    STREAM_NAMES,
    Loaded,
    ask,
    build,
    dbt,
    loaded_account,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = MARKS


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded_account(tmp_path_factory.mktemp("transform"))


@pytest.mark.parametrize(
    ("damage", "model", "complaint"),
    [
        (
            "insert into insightly.contacts select * from insightly.contacts limit 1",
            "stg_contacts",
            "unique_stg_contacts_contact_id",
        ),
        (
            "update insightly.opportunities set opportunity_state = 'FROZEN'",
            "stg_opportunities",
            "accepted_values_stg_opportunities_state",
        ),
        (
            "alter table insightly.contacts drop column organisation_id",
            "stg_contacts",
            "Stream contacts was loaded without its column organisation_id",
        ),
    ],
)
def test_broken_data_fails_the_build(
    loaded: Loaded, tmp_path: Path, damage: str, model: str, complaint: str
) -> None:
    import duckdb  # noqa: PLC0415 - not there on every Python

    database = tmp_path / "broken.duckdb"
    shutil.copy(loaded.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(damage)
    done = build(database, "--select", model)
    assert done.returncode == 1
    assert complaint in " ".join(done.stdout.split())


def test_what_was_not_loaded_is_empty_and_now_is_when_dbt_runs(
    loaded: Loaded, tmp_path: Path
) -> None:
    import duckdb  # noqa: PLC0415 - not there on every Python

    database = tmp_path / "less.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"attach '{loaded.database}' as whole (read_only)")
        connection.execute("create schema insightly")
        for stream in set(STREAM_NAMES) - set(OPTIONAL):
            connection.execute(f"create table insightly.{stream} as from whole.insightly.{stream}")
    before = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
    done = dbt(database, "--quiet", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = ask(
        database,
        "select min(counted_at) as counted_at, sum(tickets) as tickets, count(tags) as tags, "
        "sum(other_people) as others, sum(contacts) as contacts from insightly_marts.customer_360",
    )
    assert before <= row["counted_at"] <= datetime.now(timezone.utc).replace(tzinfo=None)
    assert (row["tickets"], row["tags"], row["others"]) == (None, 0, None)
    assert row["contacts"] > 0
    (states,) = ask(
        database,
        "select bool_or(is_recorded) as recorded, count(distinct opportunity_id) as deals "
        "from insightly_marts.opportunity_states",
    )
    # Without histories, a deal was open from when it was made until it was closed.
    assert states == {"recorded": False, "deals": loaded.account.count("/Opportunities")}


def test_meltano_loads_what_belongs_to_records_only_if_asked_to() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = project["plugins"]["extractors"]
    left_out = {f"!{stream.name}.*" for stream in STREAMS if not stream.selected_by_default}
    assert plugin["select"][0] == "*.*"
    assert set(plugin["select"][1:]) == left_out


def test_the_guide_selects_what_the_models_need_and_nothing_else_that_costs() -> None:
    guide = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(select:.*?)```", guide, re.DOTALL)
    assert block
    given = yaml.safe_load(block[1])
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = project["plugins"]["extractors"]
    needed = {f"!{stream}.*" for stream in RELATED}
    assert given["select"] == [one for one in plugin["select"] if one not in needed]
    assert given["config"] == {"detect_deletes": True}
    for stream in STREAM_NAMES:
        assert f"`{stream}`" in guide


def test_the_models_write_nothing_into_the_repository_and_send_nothing_away() -> None:
    project = yaml.safe_load((MODELS / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["flags"]["send_anonymous_usage_stats"] is False
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"transform/target/", "transform/logs/"} <= set(ignored)
