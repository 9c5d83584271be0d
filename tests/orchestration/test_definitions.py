"""What Dagster is given, and what it shows: assets, checks, schedules, sensors, and no key."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from insightly_dagster import InsightlyAccounts
from insightly_dagster.accounts import Accounts, AccountsError
from insightly_dagster.folder import AccountFolder, utc_now

from tap_insightly.sandbox import Faults
from tap_insightly.streams import STREAMS
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.orchestration.conftest import Place

SOME = ["contacts", "users"]


@pytest.fixture
def instance(place: Place) -> Iterator[dg.DagsterInstance]:  # noqa: ARG001 - it says where
    """A Dagster that writes to disk, as that of users does."""
    with dg.DagsterInstance.get() as instance:
        yield instance


def component(place: Place, **more: Any) -> InsightlyAccounts:
    folder = str(place.folder / "accounts")
    return InsightlyAccounts(**{"target": place.target, "folder": folder, "streams": SOME} | more)


def execute(
    place: Place, instance: dg.DagsterInstance, job: str = "insightly_load", **more: Any
) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions("insightly_accounts", ["acme"])
    definitions = component(place, **more).build_defs()
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key="acme" if job == "insightly_load" else None,
        raise_on_error=False,
    )


def numbers(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """The metadata of each asset that was materialized."""
    return {
        event.materialization.asset_key.path[-1]: {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.all_events
        if event.event_type_value == "ASSET_MATERIALIZATION"
    }


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = (one for one in result.all_events if one.is_step_failure)
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return str(data.description)


def test_each_stream_is_an_asset_in_the_group_of_its_menu_keyed_by_account(place: Place) -> None:
    definitions = component(place, streams=None, custom_objects=["fruit__c"]).build_defs()
    graph = definitions.resolve_asset_graph()
    names = {key.path[-1] for key in graph.get_all_asset_keys()}
    selected = {one.name for one in STREAMS if one.name not in {"comments", "links"}}
    assert {"account", "fruit__c", "contacts", "pipeline_stages"} <= names
    assert names - {"account", "fruit__c"} <= selected
    groups = {key.path[-1]: graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert groups["contacts"] == "insightly_crm"
    assert groups["opportunities"] == "insightly_sales"
    assert groups["fruit__c"] == "insightly_custom"
    for key in graph.get_all_asset_keys():
        assert isinstance(graph.get(key).partitions_def, dg.DynamicPartitionsDefinition)


@pytest.mark.filterwarnings("ignore:.parse_obj_as.*")  # in Dagster
def test_it_is_a_component_in_yaml() -> None:
    made = InsightlyAccounts.resolve_from_yaml(
        "target: [target-postgres]\ntarget_settings: {default_target_schema: '{account}'}\n"
        "streams: [contacts]\nschedule: '*/30 * * * *'\n"
    )
    definitions = made.build_defs()
    assert (
        definitions.resolve_schedule_def("insightly_load_schedule").cron_schedule == "*/30 * * * *"
    )


def test_a_stream_that_there_is_not_is_told(place: Place) -> None:
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="no stream contact,"):
        component(place, streams=["contact", "tag"]).build_defs()


def test_a_load_tells_numbers_and_a_quiet_one_materializes_the_account_alone(
    place: Place, instance: dg.DagsterInstance
) -> None:
    told = numbers(execute(place, instance))
    count = place.sandbox.count("/Contacts")
    assert told["contacts"]["records"] == count
    assert told["contacts"]["requests"] == 1
    account = told["account"]
    assert account["quota_left"] == place.sandbox.faults.daily_quota - len(place.sandbox.requests)
    assert {"records", "requests", "seconds", "cpu_seconds"} <= account.keys()
    execute(place, instance)
    quiet = numbers(execute(place, instance))
    assert list(quiet) == ["account"]
    assert quiet["account"]["records"] == 0
    assert quiet["account"]["lag_minutes"] >= 0
    assert place.files_with_key() == []


def test_a_wrong_key_fails_and_is_nowhere(
    place: Place, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    place.write_accounts(acme="WRONG_KEY")
    result = execute(place, instance)
    assert "Insightly did not accept the API key" in failure(result)
    texts = [*capfd.readouterr(), *map(str, result.all_events), str(result.dagster_run)]
    files = (path for path in place.folder.rglob("*") if path.is_file())
    texts += [path.read_bytes().decode(errors="replace") for path in files]
    for secret in (KEY, "a-key-that-is-wrong-1234"):
        assert not [text for text in texts if secret in text]


def test_a_spent_quota_is_not_asked_for_again_before_its_reset(
    place: Place, instance: dg.DagsterInstance
) -> None:
    execute(place, instance)
    place.sandbox.faults = Faults(daily_quota=0)
    assert "The next run begins at" in failure(execute(place, instance))
    before = len(place.sandbox.requests)
    assert "Nothing was asked again" in failure(execute(place, instance))
    assert len(place.sandbox.requests) == before
    assert schedule_requests(place, instance) == []
    assert sensor_requests(place, instance, "insightly_quota").run_requests == []
    past = (utc_now() - timedelta(seconds=1)).isoformat()
    AccountFolder(place.folder / "accounts", "acme").end(retry_at=past)
    (request,) = sensor_requests(place, instance, "insightly_quota").run_requests or ()
    assert request.partition_key == "acme"
    assert [one.partition_key for one in schedule_requests(place, instance)] == ["acme"]


def schedule_requests(
    place: Place, instance: dg.DagsterInstance, name: str = "insightly_load_schedule", **more: Any
) -> list[dg.RunRequest]:
    definitions = component(place, **more).build_defs()
    context = dg.build_schedule_context(
        instance,
        scheduled_execution_time=datetime(2026, 11, 28, tzinfo=timezone.utc),
        repository_def=definitions.get_repository_def(),
    )
    found = definitions.resolve_schedule_def(name).evaluate_tick(context).run_requests
    return list(found or ())


def sensor_requests(
    place: Place, instance: dg.DagsterInstance, name: str, cursor: str | None = None, **more: Any
) -> Any:
    definitions = component(place, **more).build_defs()
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=definitions.get_repository_def()
    )
    with partition_loading_context(dynamic_partitions_store=instance):  # as the daemon does
        return definitions.resolve_sensor_def(name).evaluate_tick(context)


def test_accounts_come_and_go_with_the_configuration_file(
    place: Place, instance: dg.DagsterInstance
) -> None:
    place.write_accounts(acme="ACME_KEY", beta="BETA_KEY")
    (add,) = sensor_requests(place, instance, "insightly_accounts").dynamic_partitions_requests
    assert add.partition_keys == ["acme", "beta"]
    instance.add_dynamic_partitions("insightly_accounts", ["acme", "gone"])
    tick = sensor_requests(place, instance, "insightly_accounts")
    assert [one.partition_keys for one in tick.dynamic_partitions_requests] == [["beta"], ["gone"]]


def test_accounts_can_have_times_of_their_own(place: Place, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("insightly_accounts", ["acme", "beta"])
    more = {"schedules": {"beta": "*/5 * * * *"}}
    assert [one.partition_key for one in schedule_requests(place, instance, **more)] == ["acme"]
    often = schedule_requests(place, instance, "insightly_load_schedule_1", **more)
    assert [one.partition_key for one in often] == ["beta"]


def test_what_is_late_is_named(place: Place, instance: dg.DagsterInstance) -> None:
    execute(place, instance)
    place.write_accounts(acme="ACME_KEY", beta="BETA_KEY")
    result = execute(place, instance, "insightly_fresh")
    checks = {one.asset_key.path[-1]: one for one in result.get_asset_check_evaluations()}
    assert set(checks) == {"account", *SOME}
    assert not any(one.passed for one in checks.values())
    assert checks["contacts"].description == "Late: beta."
    place.write_accounts(acme="ACME_KEY")
    result = execute(place, instance, "insightly_fresh")
    assert all(one.passed for one in result.get_asset_check_evaluations())


class TestFunction:
    """Accounts from a function."""

    @pytest.fixture
    def module(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("INSIGHTLY_CONFIG")
        monkeypatch.syspath_prepend(str(place.folder))
        return place.folder / "our_clients.py"

    def test_its_keys_are_asked_for_when_the_tap_starts(
        self, place: Place, module: Path, instance: dg.DagsterInstance
    ) -> None:
        url = place.sandbox.api_url
        module.write_text(
            "import os\n"
            "def key(): return os.environ['ACME_KEY']\n"
            f"def accounts(): return {{'acme': {{'api_url': {url!r}, 'api_key': key}}}}\n"
        )
        told = numbers(execute(place, instance, accounts="our_clients:accounts"))
        assert told["account"]["records"] > 0
        assert place.files_with_key() == []

    def test_a_key_in_it_is_refused(self, module: Path) -> None:
        module.with_name("keys_inside.py").write_text(
            "def accounts():\n    return {'acme': {'api_key': 'a-key-of-1234'}}\n"
        )
        with pytest.raises(AccountsError, match="gives the key of account 'acme' itself") as caught:
            Accounts("keys_inside:accounts").names()
        assert "a-key-of-1234" not in str(caught.value)

    def test_a_function_that_is_not_there_is_told(self) -> None:
        with pytest.raises(AccountsError, match="no_such_module:accounts is no function"):
            Accounts("no_such_module:accounts").names()


def test_webhooks_start_the_account_of_which_they_tell(
    place: Place, instance: dg.DagsterInstance
) -> None:
    from tests.orchestration.events import store_with  # noqa: PLC0415 - of this test alone

    path = store_with(place.folder / "webhooks.sqlite", "acme", "other")
    instance.add_dynamic_partitions("insightly_accounts", ["acme", "quiet"])
    more = {"webhook_store": str(path)}
    tick = sensor_requests(place, instance, "insightly_webhooks", **more)
    assert [one.partition_key for one in tick.run_requests] == ["acme"]
    again = sensor_requests(place, instance, "insightly_webhooks", cursor=tick.cursor, **more)
    assert again.run_requests == []
    assert json.loads(tick.cursor)["position"] > 0
