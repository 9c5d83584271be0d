"""Catalogs that people have edited: keys are always read, and what means nothing is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import InsightlyError
from tap_insightly.catalogs import normalize_catalog
from tests.conftest import Tap, entry, new_sandbox, only
from tests.edited import edit
from tests.relating import Done, sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.sandbox import Sandbox

KEYS = {
    "contacts": ("CONTACT_ID", "DATE_UPDATED_UTC"),
    "fruit__c": ("RECORD_ID", "DATE_UPDATED_UTC"),
    "tags": ("RECORD_TYPE", "TAG_NAME"),
    "links": ("PARENT_TYPE", "PARENT_ID", "LINK_ID", "PARENT_UPDATED_UTC"),
}


@pytest.fixture(scope="module")
def discovered(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A catalog of some kinds of stream, as it is discovered."""
    catalog = Tap(tmp_path_factory.mktemp("discovered")).discover(shared_sandbox)
    streams = [one for one in catalog["streams"] if one["tap_stream_id"] in KEYS]
    return only({"streams": streams}, *KEYS)


@pytest.fixture
def catalog(discovered: dict[str, Any]) -> dict[str, Any]:
    """The same, with contacts selected, to be edited."""
    return only(deepcopy(discovered), "contacts")


@pytest.fixture(scope="module")
def small() -> Sandbox:
    """A small account without a network."""
    return new_sandbox(records=3)


def said_of(catalog: dict[str, Any], *breadcrumb: str) -> dict[str, Any]:
    """What the metadata of contacts says of something."""
    metadata = entry(catalog, "contacts")["metadata"]
    (found,) = (one["metadata"] for one in metadata if one["breadcrumb"] == list(breadcrumb))
    assert isinstance(found, dict)
    return found


def read(sandbox: Sandbox, catalog: Any, **config: Any) -> Done:
    """Sync as the command line does."""
    return sync(sandbox, normalize_catalog(catalog), **config)


def check_keys(done: Done) -> None:
    """Every record has the keys by which a target, and the next sync, know it."""
    assert done.error is None
    for message in done.messages:
        if message["type"] == "SCHEMA":
            keys = {*KEYS.get(message["stream"], ()), *message["key_properties"]}
            assert keys <= set(message["schema"]["properties"])
        if message["type"] == "RECORD":
            own = {name: message["record"][name] for name in KEYS.get(message["stream"], ())}
            assert None not in own.values()


def deselect(catalog: dict[str, Any], name: str) -> None:
    said_of(catalog, "properties", name).update({"inclusion": "available", "selected": False})


def mark_unsupported(catalog: dict[str, Any], name: str) -> None:
    said_of(catalog, "properties", name).update({"inclusion": "unsupported"})


def forget(catalog: dict[str, Any], name: str) -> None:
    contacts = entry(catalog, "contacts")
    contacts["metadata"] = [m for m in contacts["metadata"] if name not in m["breadcrumb"]]


def take_away(catalog: dict[str, Any], name: str) -> None:
    del entry(catalog, "contacts")["schema"]["properties"][name]


def make_a_list(catalog: dict[str, Any], name: str) -> None:
    entry(catalog, "contacts")["schema"]["properties"][name] = {"type": "array"}


def make_null(catalog: dict[str, Any], name: str) -> None:
    entry(catalog, "contacts")["schema"]["properties"][name] = None


def make_text(catalog: dict[str, Any], name: str) -> None:
    entry(catalog, "contacts")["schema"]["properties"][name] = {"type": ["string", "null"]}


EDITS = [deselect, mark_unsupported, forget, take_away, make_a_list, make_null, make_text]


@pytest.mark.parametrize("name", ["CONTACT_ID", "DATE_UPDATED_UTC"])
@pytest.mark.parametrize("change", EDITS)
def test_a_key_is_read_whatever_is_done_to_it(
    small: Sandbox, catalog: dict[str, Any], change: Callable[..., None], name: str
) -> None:
    change(catalog, name)
    done = read(small, catalog)
    check_keys(done)
    assert len(done.rows("contacts")) == small.count("/Contacts")
    assert done.own_state("contacts")["replication_key_value"].endswith("Z")


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"properties": {}}])
def test_an_empty_schema_says_nothing_so_all_standard_fields_are_read(
    small: Sandbox, catalog: dict[str, Any], schema: Any
) -> None:
    entry(catalog, "contacts")["schema"] = schema
    done = read(small, catalog)
    check_keys(done)
    assert {row["FIRST_NAME"] for row in done.rows("contacts")} != {None}


def test_a_stream_keeps_its_name_whatever_the_catalog_calls_it(
    small: Sandbox, catalog: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    entry(catalog, "contacts")["stream"] = "people"
    done = read(small, catalog)
    check_keys(done)
    assert done.rows("contacts")
    assert "stream_maps" in caplog.text


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (None, ["CONTACT_ID"]),
        ("CONTACT_ID", ["CONTACT_ID"]),
        ([], []),
        (["EMAIL_ADDRESS"], ["EMAIL_ADDRESS"]),
    ],
)
def test_other_keys_are_as_the_catalog_says_and_the_id_is_read_all_the_same(
    small: Sandbox, catalog: dict[str, Any], given: Any, keys: list[str]
) -> None:
    entry(catalog, "contacts")["key_properties"] = given
    said_of(catalog).pop("table-key-properties", None)
    deselect(catalog, "EMAIL_ADDRESS")
    done = read(small, catalog)
    check_keys(done)
    (schema,) = (message for message in done.messages if message["type"] == "SCHEMA")
    assert schema["key_properties"] == keys


def test_a_key_that_the_stream_does_not_have_is_refused(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, Any]
) -> None:
    entry(catalog, "contacts")["key_properties"] = ["id"]
    run = tap(sandbox=sandbox, catalog=catalog)
    assert (run.code, run.stdout) == (2, "")
    assert "has 'id' as a key of stream contacts" in run.stderr
    assert "Traceback" not in run.stderr


def test_deletions_are_not_looked_for_where_a_target_could_not_tell_whose_they_are(
    small: Sandbox, catalog: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    entry(catalog, "contacts")["key_properties"] = ["EMAIL_ADDRESS"]
    read(small, catalog, detect_deletes=True)
    assert "deletions are not looked for, because its key is not CONTACT_ID" in caplog.text


WORDS = [
    *((word, True) for word in (True, "true", "True", " TRUE ", "1", 1, "yes")),
    *((word, False) for word in (False, "false", "False", "0", 0, "no")),
]


@pytest.mark.parametrize(("word", "is_selected"), WORDS)
def test_true_and_false_may_be_texts(
    small: Sandbox, catalog: dict[str, Any], word: Any, *, is_selected: bool
) -> None:
    said_of(catalog)["selected"] = word
    deselect(catalog, "FIRST_NAME")
    said_of(catalog, "properties", "FIRST_NAME")["selected"] = word
    done = read(small, catalog)
    assert bool(done.rows("contacts")) is is_selected
    said_of(catalog)["selected"] = True
    done = read(small, catalog)
    assert ("FIRST_NAME" in done.rows("contacts")[0]) is is_selected


@pytest.mark.parametrize("metadata", [None, [], "gone"])
@pytest.mark.parametrize(("said", "is_selected"), [({}, True), ({"selected": "false"}, False)])
def test_without_metadata_the_stream_says_itself_whether_it_is_selected(
    small: Sandbox,
    catalog: dict[str, Any],
    metadata: Any,
    said: dict[str, Any],
    *,
    is_selected: bool,
) -> None:
    contacts = entry(catalog, "contacts")
    contacts |= {"metadata": metadata, **said}
    if metadata == "gone":
        del contacts["metadata"]
    done = read(small, catalog)
    check_keys(done)
    assert bool(done.rows("contacts")) is is_selected


def test_what_is_said_of_properties_alone_deselects_no_stream(
    small: Sandbox, catalog: dict[str, Any]
) -> None:
    contacts = entry(catalog, "contacts")
    contacts["metadata"] = [m for m in contacts["metadata"] if m["breadcrumb"]]
    deselect(catalog, "LAST_NAME")
    done = read(small, catalog)
    check_keys(done)
    assert "FIRST_NAME" in done.rows("contacts")[0]
    assert "LAST_NAME" not in done.rows("contacts")[0]


@pytest.mark.parametrize("given", [[None], [], None, ["string", None], ["null", "string", "null"]])
def test_odd_lists_of_types_are_understood(
    small: Sandbox, catalog: dict[str, Any], given: Any
) -> None:
    entry(catalog, "contacts")["schema"]["properties"]["FIRST_NAME"]["type"] = given
    done = read(small, catalog)
    check_keys(done)
    (schema,) = (message["schema"] for message in done.messages if message["type"] == "SCHEMA")
    assert schema["properties"]["FIRST_NAME"].get("type") != []


def contacts_with(part: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda catalog: entry(catalog, "contacts").update({part: value})


def name_with(part: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(catalog: dict[str, Any]) -> None:
        entry(catalog, "contacts")["schema"]["properties"]["FIRST_NAME"][part] = value

    return change


def metadata_with(breadcrumb: Any, said: Any) -> Callable[[dict[str, Any]], None]:
    def change(catalog: dict[str, Any]) -> None:
        metadata = entry(catalog, "contacts")["metadata"]
        metadata.append({"breadcrumb": breadcrumb, "metadata": said})

    return change


REFUSED = [
    (lambda catalog: catalog["streams"].append(7), "stream 5: found a number"),
    (lambda catalog: catalog["streams"].append({}), "stream 5 has no name"),
    (
        lambda catalog: catalog["streams"].append(deepcopy(entry(catalog, "contacts"))),
        "stream contacts is in it 2 times",
    ),
    (lambda catalog: catalog.update(streams={}), "streams: found an object, where a list belongs"),
    (contacts_with("stream", 5), "stream of stream contacts is a number"),
    (contacts_with("replication_key", []), "replication_key of stream contacts is a list"),
    (contacts_with("replication_method", {}), "replication_method of stream contacts is an object"),
    (contacts_with("key_properties", [1]), "key_properties of stream contacts: found [1]"),
    (contacts_with("schema", []), "the schema of stream contacts: found a list"),
    (contacts_with("schema", {"type": "array"}), "is of type array, where object belongs"),
    (contacts_with("metadata", {}), "the metadata of stream contacts: found an object"),
    (name_with("type", "text"), "type in property FIRST_NAME in the schema of stream contacts"),
    (name_with("type", [["string"]]), "is [['string']]; accepted is array, boolean, integer"),
    (name_with("properties", []), "properties in property FIRST_NAME"),
    (name_with("items", 5), "items in property FIRST_NAME"),
    (name_with("title", 5), "title in property FIRST_NAME"),
    (metadata_with("properties.FIRST_NAME", {}), "a breadcrumb 'properties.FIRST_NAME'; accepted"),
    (metadata_with(["FIRST_NAME"], {}), "a breadcrumb ['FIRST_NAME']; accepted"),
    (metadata_with(["properties", 5], {}), "a breadcrumb ['properties', 5]; accepted"),
    (metadata_with([], "x"), "the metadata of stream contacts: found a text"),
    (metadata_with([], {"selected": "maybe"}), "selected of stream contacts is 'maybe'"),
    (metadata_with([], {"selected": []}), "selected of stream contacts is []"),
    (metadata_with([], {"inclusion": "always"}), "inclusion of stream contacts is 'always'"),
    (metadata_with([], {"replication-key": 5}), "replication-key of stream contacts is a number"),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_means_nothing_is_refused_with_its_place(
    catalog: dict[str, Any], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    change(catalog)
    with pytest.raises(ValueError, match=r"^[^\n]*$") as refused:
        normalize_catalog(catalog)
    assert said in str(refused.value)


def test_a_refusal_is_wrong_usage_in_a_sentence(tap: Tap, catalog: dict[str, Any]) -> None:
    entry(catalog, "contacts")["schema"] = []
    run = tap(catalog=catalog)
    assert (run.code, run.stdout) == (2, "")
    assert "Invalid value for --catalog" in run.stderr
    assert "the schema of stream contacts: found a list, where an object belongs" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("part", ["title", "properties"])
def test_a_custom_object_is_known_by_its_key(
    small: Sandbox, discovered: dict[str, Any], part: str
) -> None:
    catalog = only(deepcopy(discovered), "fruit__c")
    del entry(catalog, "fruit__c")["schema"][part]
    done = read(small, catalog)
    check_keys(done)
    assert len(done.rows("fruit__c")) == small.count("/Fruit__c")


def with_few_properties(catalog: dict[str, Any]) -> dict[str, Any]:
    """A copy with few properties, so that what is edited is often what matters."""
    kept = {"FIRST_NAME", "LINKS", "RECORD_NAME", *chain.from_iterable(KEYS.values())}
    few = json.loads(json.dumps(catalog))
    for stream in few["streams"]:
        schema = stream["schema"]
        schema["properties"] = {n: one for n, one in schema["properties"].items() if n in kept}
        crumbs = ((m["breadcrumb"], m) for m in stream["metadata"])
        stream["metadata"] = [m for at, m in crumbs if not at or (at[1] in kept and len(at) == 2)]
    return few  # type: ignore[no-any-return]


odd = st.sampled_from(
    [
        *(None, True, False, 0, 1, 2.5, "", "x", "false", "true", "null", [], {}, [[]], [{}]),
        *([None], ["x"], {"x": 1}, {"type": []}, {"type": "array"}, ["properties"], "properties"),
        *("array", "object", "string", ["string", "integer"], "unsupported", "automatic"),
        *(["CONTACT_ID"], ["FIRST_NAME"], "FULL_TABLE", "LOG_BASED", {"properties": {}}),
    ]
)


@settings(max_examples=200)
@given(data=st.data())
def test_no_edit_ends_in_a_traceback_and_keys_are_in_every_record(
    discovered: dict[str, Any], small: Sandbox, data: st.DataObject
) -> None:
    catalog = with_few_properties(discovered)
    for _ in range(data.draw(st.integers(1, 4))):
        edit(catalog, data, odd)
    try:
        catalog = normalize_catalog(catalog)
    except ValueError:
        return  # in a sentence: see above
    with suppress(InsightlyError):  # of a key that the stream does not have: see above
        check_keys(sync(small, catalog))
