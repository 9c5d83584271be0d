"""States from elsewhere: what is meant is understood, and what is not is refused, never ignored."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.states import normalize_state, read_state
from tests.cli.running import run
from tests.conftest import Tap, new_sandbox, only
from tests.edited import edit
from tests.relating import Direct, sync

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Run

MARK = {
    "replication_key": "DATE_UPDATED_UTC",
    "replication_key_value": "2026-01-31T00:00:00Z",
}
STATE: dict[str, Any] = {"bookmarks": {"contacts": MARK}}
OTHER: dict[str, Any] = {"bookmarks": {"contacts": MARK | {"replication_key_value": "2020-01-01"}}}


def message(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def lines(*values: Any) -> str:
    return "\n".join(json.dumps(value) for value in values) + "\n"


UNDERSTOOD = {
    "as the tap has it": json.dumps(STATE),
    "pretty": json.dumps(STATE, indent=2),
    "with more than bookmarks": json.dumps(STATE | {"currently_syncing": None}),
    "as Meltano prints it": json.dumps({"singer_state": STATE}),
    "as Meltano prints it, pretty": json.dumps({"singer_state": STATE}, indent=4),
    "as Meltano keeps it": json.dumps({"completed": {"singer_state": STATE}, "partial": {}}),
    "with what a later run left": json.dumps(
        {"partial": {"singer_state": STATE}, "completed": {"singer_state": OTHER}}
    ),
    "as Meltano's database has it": json.dumps(
        {"completed_state": {"singer_state": OTHER}, "partial_state": {"singer_state": STATE}}
    ),
    "a message": json.dumps(message(STATE)),
    "a message of Meltano's": json.dumps(message({"singer_state": STATE})),
    "Meltano's, of a message": json.dumps({"singer_state": message(STATE)}),
    "what a target wrote": lines(OTHER, STATE),
    "what a tap wrote": lines(message({}), message(OTHER), message(STATE)),
    "lines of Windows": lines(OTHER, STATE).replace("\n", "\r\n\r\n"),
    "null partitions": json.dumps({"bookmarks": {"contacts": MARK | {"partitions": None}}}),
    "streams without a state": json.dumps({"bookmarks": {"contacts": MARK, "users": None}}),
    "by key": json.dumps({"bookmarks": {"contacts": {"DATE_UPDATED_UTC": "2026-01-31T00:00:00Z"}}}),
}


@pytest.mark.parametrize("text", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_a_state_is_found_in_whatever_wraps_it(text: str) -> None:
    assert read_state(text) == STATE


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "{}", "null", '{"bookmarks": {}}', '{"bookmarks": null}'),
        *('{"singer_state": {}}', '{"singer_state": null}', '{"completed": {}, "partial": {}}'),
        *('{"type": "STATE", "value": {}}', '{"bookmarks": {"contacts": null}}'),
    ],
)
def test_what_says_that_there_is_no_state_is_none(text: str) -> None:
    assert not read_state(text).get("bookmarks")


REFUSED = [
    ("[]", "found a list; accepted is"),
    ('"x"', "found a text"),
    ("7", "found a number"),
    ("true", "found true"),
    ("{", "it is no JSON"),
    ("contacts: 2026-01-31", "it is no JSON"),
    ('{"contacts": {}}', "an object without bookmarks, but with contacts"),
    ('{"singer_state": []}', "found a list"),
    ('{"singer_state": {"contacts": {}}}', "without bookmarks, but with contacts"),
    ('{"completed": {"contacts": {}}}', "without bookmarks"),
    ('{"type": "RECORD", "stream": "contacts", "record": {}}', "found a message without bookmarks"),
    (lines(STATE, {"type": "RECORD"}), "found a message without bookmarks"),
    (lines(STATE) + "{", "line 2: it is no JSON"),
    ('{"bookmarks": []}', "its bookmarks are a list"),
    ('{"bookmarks": {"contacts": 7}}', "the state of stream contacts is a number"),
    ('{"bookmarks": {"contacts": "yesterday"}}', "the state of stream contacts is a text"),
    ('{"bookmarks": {"contacts": {"offset": 5}}}', "holds no bookmark, but offset"),
    ('{"bookmarks": {"contacts": {"partitions": {}}}}', "the partitions of stream contacts"),
    ('{"bookmarks": {"contacts": {"partitions": [null]}}}', "the partitions of stream contacts"),
    ('{"bookmarks": {"contacts": {"partitions": [{}]}}}', "have a context each"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_is_no_state_is_refused_with_what_was_found(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as refused:
        read_state(text)
    assert said in str(refused.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(
                ["bookmarks", "singer_state", "type", "value", "partitions", "context", "completed"]
            ),
            inner | st.just("STATE"),
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_anything_is_either_understood_or_refused_and_nothing_is_taken_for_no_state(
    content: Any,
) -> None:
    try:
        state = normalize_state(content)
    except ValueError:
        return
    assert state.keys() <= {"bookmarks"}
    if not state:
        assert says_nothing(content)


def says_nothing(content: Any) -> bool:
    """Whether nothing is in there but names of what wraps states."""
    if not isinstance(content, dict):
        return content is None
    is_message = content.get("type") == "STATE" and "value" in content
    wraps = {"value"} if is_message else {"bookmarks", "singer_state"}
    wrapped = wraps & content.keys() or content.keys() - {"type"}
    return all(says_nothing(content[name]) for name in wrapped)


def since(run: Run, sandbox: Sandbox) -> str | None:
    """From when on contacts were asked for."""
    assert run.code == 0, run.stderr
    (request,) = (one for one in sandbox.requests if "/contacts" in one.path.lower())
    return request.query.get("updated_after_utc")


@pytest.mark.parametrize(
    "name", ["as Meltano prints it", "a message", "what a tap wrote", "by key"]
)
def test_the_tap_goes_on_from_it(tap: Tap, sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    path = tmp_path / "of-elsewhere.json"
    path.write_text(UNDERSTOOD[name])
    sandbox.requests.clear()
    done = tap("--state", str(path), sandbox=sandbox, catalog=catalog)
    assert since(done, sandbox) == "2026-01-30T23:59:00Z"


def test_a_bookmark_alone_is_one_of_the_stream_s_own_key(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    sandbox.requests.clear()
    done = tap(sandbox=sandbox, catalog=catalog, state={"bookmarks": {"contacts": "2026-01-31"}})
    assert since(done, sandbox) == "2026-01-30T23:59:00Z"
    assert done.state["bookmarks"]["contacts"]["replication_key"] == "DATE_UPDATED_UTC"


def test_a_bookmark_of_another_key_is_told_of(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    sandbox.requests.clear()
    state = {"bookmarks": {"contacts": {"DATE_CREATED_UTC": "2026-01-31"}}}
    done = tap(sandbox=sandbox, catalog=catalog, state=state)
    assert since(done, sandbox) is None
    assert done.stderr.count("has a bookmark of DATE_CREATED_UTC") == 1


def test_the_plan_reads_the_same_states(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(UNDERSTOOD["as Meltano prints it"])
    done = run(sandbox, "plan", "--state", path, "--json")
    (contacts,) = (one for one in done.json["streams"] if one["stream"] == "contacts")
    assert contacts["since"] == "2026-01-30T23:59:00Z"
    path.write_text("[]")
    done = run(sandbox, "plan", "--state", path)
    assert (done.code, "found a list" in done.stderr) == (2, True)


CHOSEN = ["contacts", "note_comments", "links", "users"]


@pytest.fixture(scope="module")
def catalog(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tap = Tap(tmp_path_factory.mktemp("states"))
    return only(tap.discover(shared_sandbox, detect_deletes=True), *CHOSEN)


@pytest.fixture(scope="module")
def written(catalog: dict[str, Any]) -> dict[str, Any]:
    """A state as a run leaves it that was cut off."""
    sandbox = new_sandbox(records=3)
    done = sync(sandbox, catalog, detect_deletes=True)
    session = Direct(sandbox, cut_at=len(done.asked), max_concurrency=1)
    state = sync(sandbox, catalog, session=session, every=1, detect_deletes=True).state
    state["bookmarks"]["contacts"] |= {"known": done.own_state("contacts")["known"]}
    unfinished = {"since": None, "last_id": 1, "skip": 0, "newest": "x", "began": "y", "ids": []}
    state["bookmarks"]["links"]["partitions"][0]["unfinished"] = unfinished
    return state


odd = st.sampled_from(
    [
        *(None, True, 0, -1, 2**70, 1.5, "", "x", "2026-01-31", "9999-12-31T23:59:59-12:00"),
        *([], {}, [None], [{}], {"x": 1}, [{"context": {}}], [{"context": None}]),
    ]
)


@settings(max_examples=150)
@given(data=st.data())
def test_no_state_that_somebody_edited_ends_in_a_traceback(
    catalog: dict[str, Any], written: dict[str, Any], data: st.DataObject
) -> None:
    state = deepcopy(written)
    for _ in range(data.draw(st.integers(1, 4))):
        edit(state, data, odd)
    try:
        state = normalize_state(state)
    except ValueError:
        return  # in a sentence: see above
    done = sync(new_sandbox(records=3), catalog, state, detect_deletes=True)
    assert done.error is None or "as its bookmark, which is no date" in str(done.error)


@pytest.mark.parametrize(
    "state",
    [
        {"refresh": {"after": None, "skip": 0, "records": 3, "ran": None}},
        {"unfinished": {"since": None, "last_id": 3, "skip": 0}},
        {"known": {"ids": "", "count": 0, "bookmark": None}},
        {"partitions": [{"context": {"PARENT_TYPE": "Contact"}}]},
        {"partitions": [{"context": {"PARENT_TYPE": "Lead"}, "unfinished": {"since": None}}]},
        {},
    ],
    ids=lambda state: next(iter(state), "nothing"),
)
def test_what_the_tap_writes_of_a_stream_without_a_bookmark_is_understood(
    state: dict[str, Any],
) -> None:
    """As after a first sync whose lists ended short."""
    whole = {"bookmarks": {"links": state}}
    assert normalize_state(whole) == whole
