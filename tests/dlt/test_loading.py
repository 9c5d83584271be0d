"""What is loaded: everything, as it is, and what has changed since."""

from __future__ import annotations

import inspect
from datetime import timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from tap_insightly.api import InsightlyError
from tap_insightly.dlt import insightly, raise_if_unfinished, unfinished
from tap_insightly.settings import SETTINGS
from tests.conftest import KEY, watch
from tests.destinations.source import change, compare, new_account
from tests.dlt.conftest import ask, contacts, ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlt import Pipeline

    from tap_insightly.sandbox import Sandbox
    from tests.destinations.source import Cell, Loaded
    from tests.dlt.conftest import Source


def adapt(cell: Cell) -> Any:
    """What DuckDB makes of a cell."""
    if cell.value is None:
        return None
    if cell.kind == "number":
        return Decimal(cell.value).quantize(Decimal("1e-9"))
    if cell.kind == "date-time":
        return cell.value.replace(tzinfo=timezone.utc)
    if cell.kind == "any":
        return str(cell.value)
    return cell.value


def normalized(pipeline: Pipeline) -> Callable[[str], str]:
    """What makes names of columns in the destination."""
    return pipeline.default_schema.naming.normalize_path


def test_everything_arrives_as_it_is_and_so_do_changes(pipeline: Pipeline) -> None:
    with new_account().serve() as account:

        def load(*streams: str) -> None:
            settings = {"api_url": account.api_url, "requests_per_second": 100}
            pipeline.run(insightly(KEY, streams=list(streams), detect_deletes=True, **settings))
            raise_if_unfinished(pipeline)
            normalize = normalized(pipeline)

            def rows(stream: str) -> list[Loaded]:
                return ask(pipeline, f"select * from crm.{normalize(stream)}")  # noqa: S608 - ours

            compare(account, rows, adapt, name=normalize, streams=streams)

        load()
        changed = change(account)
        load("contacts")
        assert changed.created in ids(pipeline)
        for record_id in changed.deleted:
            account.restore("/Contacts", record_id)
        load("contacts")
        assert set(changed.deleted) <= set(ids(pipeline))


def test_only_what_changed_is_asked_for_again(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    pipeline.run(source("contacts"))
    before = len(sandbox.requests)
    sandbox.update("/Contacts", contacts(sandbox)[3], FIRST_NAME="Zoë")
    pipeline.run(source("contacts"))
    asked = [request.path for request in sandbox.requests[before:]]
    assert [path for path in asked if "CustomFields" not in path] == ["/v3.1/Contacts/Search"]
    assert ask(pipeline, "select count(*) as n from crm.contacts where first_name = 'Zoë'")[0]["n"]
    assert ids(pipeline) == contacts(sandbox)


def test_what_belongs_to_records_comes_if_it_is_named(pipeline: Pipeline, source: Source) -> None:
    everything = source()
    assert "file_attachments" not in everything.selected_resources
    assert "file_attachments" in everything.resources
    pipeline.run(source("contacts", "file_attachments", "record_tags"))
    assert ask(pipeline, "select * from crm.file_attachments")
    tags = ask(pipeline, "select * from crm.record_tags")
    assert len(tags) == len(
        {(one["parent_type"], one["parent_id"], one["tag_name"]) for one in tags}
    )


def test_a_stream_without_records_has_a_table_all_the_same(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    for record in list(sandbox.records("/Leads")):
        sandbox.delete("/Leads", record["LEAD_ID"])
    pipeline.run(source("leads"))
    assert ask(pipeline, "select lead_id, email from crm.leads") == []


def test_fields_whose_names_become_the_same_column_all_arrive(
    pipeline: Pipeline, sandbox: Sandbox, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("Grüne__c", "Gräße__c"):  # the account has the first of them
        sandbox.add_custom_field("/Contacts", name, "TEXT", name)
    first = contacts(sandbox)[0]
    fields = [
        {"FIELD_NAME": name, "FIELD_VALUE": name} for name in ("Größe__c", "Grüne__c", "Gräße__c")
    ]
    sandbox.update("/Contacts", first, CUSTOMFIELDS=fields)
    pipeline.run(source("contacts"))
    (row,) = ask(pipeline, f"select * from crm.contacts where contact_id = {first}")  # noqa: S608
    assert {"Größe__c", "Grüne__c", "Gräße__c"} <= {str(value) for value in row.values()}
    assert "would be the same column as another one" in caplog.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"page_size": 1}, "Setting 'page_size': got 1"),
        ({"pod": "not a pod!"}, "Setting 'pod'"),
        ({"custom_fields": "rows"}, "Setting 'custom_fields'"),
    ],
)
def test_a_wrong_setting_is_named(source: Source, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InsightlyError, match=said):
        source("contacts", **settings)


def test_a_wrong_name_of_a_stream_is_told(source: Source) -> None:
    with pytest.raises(InsightlyError, match=r"There is no stream 'contact'.*'contacts'"):
        source("contact")


def test_a_wrong_key_ends_it_before_anything_is_made(sandbox: Sandbox) -> None:
    with pytest.raises(InsightlyError, match="401"):
        insightly("another-key", api_url=sandbox.api_url, streams=["contacts"])


def test_no_key_at_all_names_the_setting(sandbox: Sandbox) -> None:
    with pytest.raises(InsightlyError, match="'api_key' is missing"):
        insightly(api_url=sandbox.api_url)


def test_what_is_not_given_comes_from_the_configuration_of_dlt(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__INSIGHTLY__API_KEY", KEY)
    monkeypatch.setenv("SOURCES__INSIGHTLY__API_URL", sandbox.api_url)
    monkeypatch.setenv("SOURCES__INSIGHTLY__STREAMS", '["users"]')
    monkeypatch.setenv("SOURCES__INSIGHTLY__DETECT_DELETES", "true")
    done = pipeline.run(insightly())
    assert ids(pipeline, "users", "user_id")
    watch(str(done), str(pipeline.state), pipeline.default_schema.to_pretty_yaml())
    assert str(pipeline.last_trace)
    watch(str(pipeline.last_trace))


def test_every_setting_of_the_tap_can_be_made() -> None:
    taken = set(inspect.signature(insightly).parameters) - {"streams"}
    of_singer = {"tombstone_schema", "report_file"}
    assert taken == {setting.name for setting in SETTINGS} - of_singer


def test_it_is_found_by_its_name_and_can_be_asked_without_a_pipeline(source: Source) -> None:
    tables = list(source("users"))
    assert sum(table.num_rows for table in tables)
    assert not unfinished(dlt.pipeline("another", destination="duckdb"))


def test_a_new_field_is_refused_where_the_contract_says_so(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    pipeline.run(source("contacts"))
    sandbox.add_custom_field("/Contacts", "Allergies__c", "TEXT", "Allergies")
    values = [{"FIELD_NAME": "Allergies__c", "FIELD_VALUE": "peanuts"}]
    sandbox.update("/Contacts", contacts(sandbox)[0], CUSTOMFIELDS=values)
    with pytest.raises(PipelineStepFailed, match="allergies__c"):
        pipeline.run(source("contacts"), schema_contract={"columns": "freeze"})
    pipeline.run(source("contacts"))
    found = ask(pipeline, "select count(*) as n from crm.contacts where allergies__c = 'peanuts'")
    assert found[0]["n"] == 1, "what was refused is not lost"


def test_a_field_of_another_type_has_another_column(
    pipeline: Pipeline, sandbox: Sandbox, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.add_custom_field("/Contacts", "Size__c", "TEXT", "Size")
    pipeline.run(source("contacts"))
    (definition,) = [
        one
        for one in sandbox.custom_fields["/Contacts"].definitions
        if one["FIELD_NAME"] == "Size__c"
    ]
    definition["FIELD_TYPE"] = "NUMERIC"
    values = [{"FIELD_NAME": "Size__c", "FIELD_VALUE": 42}]
    sandbox.update("/Contacts", contacts(sandbox)[0], CUSTOMFIELDS=values)
    pipeline.run(source("contacts"))
    (row,) = ask(pipeline, "select * from crm.contacts order by date_updated_utc desc limit 1")
    assert (row["size__c"], row["size__c__v_decimal"]) == (None, 42)
    assert "Size__c (Size__c__v_decimal)" in caplog.text
    pipeline.run(source("contacts"))
    assert ids(pipeline) == contacts(sandbox)
