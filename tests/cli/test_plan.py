"""``insightly plan``: what it says a sync will cost is what the sync then costs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.cli.running import run, run_as_process
from tests.conftest import SMALL, new_sandbox, only
from tests.relating import NOON, catalog, sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tap_insightly.sandbox.pytest_plugin import MakeSandbox
    from tests.cli.running import Result

CHILDREN = ("note_comments", "file_attachments", "opportunity_state_history")
ARRAYS = ("links", "record_tags", "contact_dates", "team_memberships")
EVERYTHING = tuple(stream["tap_stream_id"] for stream in catalog()["streams"])


class Planner:
    """Plans a sync, and then runs it, with the same settings, catalog and state."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.state: dict[str, Any] = {}

    def run(self, catalog: Any, *args: str, **settings: Any) -> Result:
        files = []
        for name, content in (("catalog", catalog), ("state", self.state or None)):
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content))
                files += [f"--{name}", str(path)]
        return run(self.sandbox, "plan", *files, *args, **settings)

    def plan(self, catalog: Any, **settings: Any) -> dict[str, Any]:
        """The plan, which is checked to cost no more than it may."""
        self.sandbox.requests.clear()
        done = self.run(catalog, "--json", **settings)
        assert done.code == 0, done.stderr
        found = done.json
        paths = [(one.path.removesuffix("/Search"), *one.query) for one in self.sandbox.requests]
        kinds = {one.query.get("record_type") for one in self.sandbox.requests}
        tags = sum(path == "/v3.1/Tags" for path, *_ in paths)
        assert tags in {0, len(kinds - {None})}
        rest = [path for path, *_ in paths if path != "/v3.1/Tags"]
        assert len(rest) == len(set(rest)), "no list is asked for twice"
        assert found["asked"] == len(self.sandbox.requests) <= len(EVERYTHING)
        assert {one.query.get("top", "1") for one in self.sandbox.requests} <= {"1"}
        assert isinstance(found, dict)
        return found

    def sync(self, catalog: Any, **settings: Any) -> int:
        """Sync, and say how many requests that took, discovery included."""
        asked: list[object] = []
        self.sandbox.on_request = asked.append
        done = sync(self.sandbox, catalog, self.state, **settings)
        self.sandbox.on_request = None
        assert done.error is None
        self.state = done.state
        return len(asked)


@pytest.fixture
def planner(sandbox: Sandbox, tmp_path: Path) -> Planner:
    return Planner(sandbox, tmp_path)


def of(found: dict[str, Any], stream: str) -> Any:
    return next(one for one in found["streams"] if one["stream"] == stream)


@pytest.mark.parametrize("settings", [{}, {"detect_deletes": True}], ids=["", "detect_deletes"])
@pytest.mark.parametrize(
    "streams",
    [
        pytest.param(None, marks=pytest.mark.slow),
        pytest.param(EVERYTHING, marks=pytest.mark.slow),
        ("contacts", "leads"),
        ("contacts", *CHILDREN),
        CHILDREN,
        ("contacts", *ARRAYS),
        ARRAYS,
        ("tags", "custom_fields", "countries", "lead_statuses", "fruit__c"),
    ],
    ids=lambda names: "+".join(names[:2]) if names else "no catalog",
)
def test_a_sync_costs_what_was_planned(
    tmp_path: Path,
    make_insightly_sandbox: MakeSandbox,
    streams: tuple[str, ...] | None,
    settings: dict[str, Any],
) -> None:
    sandbox = make_insightly_sandbox(**SMALL | {"records": 20})
    planner, chosen = Planner(sandbox, tmp_path), only(catalog(), *streams) if streams else None
    for number in range(3):
        planned = planner.plan(chosen, **settings)
        assert planned["requests"] == planner.sync(chosen, **settings), f"sync {number}"
        sandbox.update("/Contacts", sandbox.records("/Contacts")[0]["CONTACT_ID"])
        sandbox.create("/Notes", TITLE="new")


def test_all_that_a_plan_says_adds_up(planner: Planner) -> None:
    planned = planner.plan(None)
    assert planned["requests"] == planned["discovery"] + sum(
        one["requests"] for one in planned["streams"]
    )
    seconds = planned["requests"] / planned["requests_per_second"]
    assert planned["seconds"] == round(seconds, 1)
    left = 100_000 - len(planner.sandbox.requests)
    assert planned["quota"] == {"limit": 100_000, "remaining": left, "reserve": 0}
    assert of(planned, "contacts")["records"] == 60


@pytest.fixture(scope="module")
def large() -> Iterator[Sandbox]:
    """An account of several pages, which no test changes."""
    with new_sandbox(records=1500).serve() as sandbox:
        yield sandbox


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 998, 999, 1500])
def test_lists_cost_pages_that_overlap_by_one_record(
    large: Sandbox, tmp_path: Path, number: int
) -> None:
    rows = sorted(large.records("/Contacts"), key=lambda row: str(row["DATE_UPDATED_UTC"]))
    planner, chosen = Planner(large, tmp_path), only(catalog(), "contacts")
    since = rows[-number]["DATE_UPDATED_UTC"] if number else "2099-01-01 00:00:00"
    settings = {"start_date": since}
    planned = planner.plan(chosen, **settings)
    assert planned["requests"] == planner.sync(chosen, **settings)
    assert of(planned, "contacts")["records"] >= number
    assert planned["requests"] == max(1, -(-of(planned, "contacts")["records"] // 499))


def test_a_sync_that_was_cut_off_costs_what_is_left_of_it(large: Sandbox, tmp_path: Path) -> None:
    planner, chosen = Planner(large, tmp_path), only(catalog(), "contacts")
    record = large.records("/Contacts")[900]
    at = {"since": None, "began": "2026-01-01T00:00:00Z", "last_id": record["CONTACT_ID"]}
    planner.state = {"bookmarks": {"contacts": {"unfinished": {**at, "skip": 499}}}}
    planned = planner.plan(chosen)
    assert planned["requests"] == 3 == planner.sync(chosen)


def test_what_several_streams_need_is_asked_once_for_the_earliest_moment(planner: Planner) -> None:
    chosen = only(catalog(), "contacts", "file_attachments")
    contacts = planner.sandbox.records("/Contacts")
    planner.sandbox.clock = lambda: NOON
    planner.sync(only(catalog(), "contacts"))
    planner.sandbox.clock = lambda: NOON + timedelta(days=1)
    for record in contacts[:3]:
        planner.sandbox.update("/Contacts", record["CONTACT_ID"])
    planned = planner.plan(chosen)
    one = of(planned, "contacts")
    assert (one["records"], one["requests"]) == (60, 1)
    assert any("at most" in note for note in one["notes"])
    assert one["since"] is not None
    assert of(planned, "file_attachments")["since"] is None
    assert planned["requests"] >= planner.sync(chosen)


def test_ids_that_have_to_be_learned_first_are_in_the_plan(large: Sandbox, tmp_path: Path) -> None:
    planner, chosen = Planner(large, tmp_path), only(catalog(), "contacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "clock", lambda: NOON)
        planner.sync(chosen)
        plain = of(planner.plan(chosen), "contacts")
        planned = planner.plan(chosen, detect_deletes=True)
        one = of(planned, "contacts")
        assert any("to learn its ids" in note for note in one["notes"])
        assert one["requests"] >= plain["requests"] + 4
        # At most, as the list is asked for once, and the ids of all of it have to be read.
        assert planned["requests"] >= planner.sync(chosen, detect_deletes=True)
        planned = planner.plan(chosen, detect_deletes=True)
        assert of(planned, "contacts")["requests"] == 2
        assert planned["requests"] == planner.sync(chosen, detect_deletes=True)


def test_what_cannot_be_read_is_told_and_costs_one_request(tmp_path: Path) -> None:
    with new_sandbox(plan="professional").serve() as sandbox:
        sandbox.faults = Faults(not_allowed={"/Notes"})
        planner, chosen = Planner(sandbox, tmp_path), only(catalog(), *EVERYTHING)
        planned = planner.plan(chosen)
        assert planned["requests"] == planner.sync(chosen)
    for stream, status in (("tickets", 403), ("products", 404), ("notes", 405)):
        one = of(planned, stream)
        assert (one["records"], one["requests"]) == (None, 1)
        assert any(f"cannot be read ({status})" in note for note in one["notes"])


@pytest.mark.parametrize("number", [36, 400])
def test_children_that_are_refused_cost_one_request_more_at_most(
    planner: Planner, number: int
) -> None:
    sandbox = planner.sandbox
    for _ in range(number - sandbox.count("/Notes")):
        sandbox.create("/Notes", TITLE="one more")
    sandbox.faults = Faults(forbidden={"/Notes/{id}/Comments"})  # only asking for them would tell
    chosen = only(catalog(), "contacts", "note_comments")
    planned = planner.plan(chosen)
    assert of(planned, "note_comments")["requests"] == 1 + number
    assert planner.sync(chosen) <= min(planned["requests"] + 1, 200)


def test_settings_of_the_tap_count_wherever_they_are_made(planner: Planner, tmp_path: Path) -> None:
    chosen = only(catalog(), "contacts")
    planner.sync(chosen, detect_deletes=True)
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"detect_deletes": True}))
    for args, settings in (
        ((), {"detect_deletes": "true"}),
        (("--detect-deletes",), {}),
        (("--config", str(file)), {"detect_deletes": "no"}),
    ):
        assert planner.run(chosen, "--json", *args, **settings).json["requests"] == 2
    assert planner.run(chosen, "--json", "--no-detect-deletes").json["requests"] == 1


def test_what_is_written_in_batches_is_not_read_along(planner: Planner, tmp_path: Path) -> None:
    chosen = only(catalog(), "contacts", "contact_dates")
    batch = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": f"file://{tmp_path}"},
    }
    assert planner.plan(chosen)["requests"] == 1
    planned = planner.plan(chosen, batch_config=json.dumps(batch))
    assert planned["requests"] == 2 == planner.sync(chosen, batch_config=batch)


def test_people_get_a_table_and_a_sentence(planner: Planner) -> None:
    chosen = only(catalog(), "contacts", "note_comments", "links")
    done = planner.run(chosen, requests_per_second=10)
    assert (done.code, done.stderr) == (0, "")
    rows = {line.split()[0]: line for line in done.lines if line}
    assert rows["stream"].split() == ["stream", "since", "records", "requests", "note"]
    assert "60" in rows["contacts"]
    assert "one for each record" in rows["note_comments"]
    assert "nothing for what is read anyway: Contacts" in rows["links"]
    left = 100_000 - len(planner.sandbox.requests)
    total = planner.plan(chosen)["requests"]
    assert rows["total"].split() == ["total", str(total)]
    assert done.lines[-1] == (
        f"{total} requests, about {round(total / 10)} seconds at 10 requests a second, "
        f"less than 0.1 % of the day's quota, {left:,} left."
    )


@pytest.mark.parametrize(
    ("rate", "words"), [(100, "9 seconds"), (5, "3 minutes"), (0.1, "2.5 hours")]
)
def test_a_time_is_told_in_units_that_are_easy_to_read(
    large: Sandbox, tmp_path: Path, rate: float, words: str
) -> None:
    done = Planner(large, tmp_path).run(only(catalog(), "note_comments"), requests_per_second=rate)
    assert f", about {words} at {rate} requests a second," in done.lines[-1]


def test_too_little_quota_is_said_clearly(planner: Planner) -> None:
    chosen = only(catalog(), "note_comments")
    planner.sandbox.faults = Faults(daily_quota=30)
    done = planner.run(chosen)
    assert done.code == 0
    assert "Warning: 37 requests are more than what is left today: 29." in done.stderr
    planner.sandbox.faults = Faults(daily_quota=100)
    assert planner.run(chosen).stderr == ""
    done = planner.run(chosen, quota_reserve=80)
    assert "left today: 98, of which quota_reserve keeps 80." in done.stderr


@pytest.mark.parametrize(
    ("option", "content"), [("catalog", "{"), ("catalog", "[]"), ("state", '{"bookmarks": 7}')]
)
def test_a_file_that_is_none_is_wrong_usage(
    shared_sandbox: Sandbox, tmp_path: Path, option: str, content: str
) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    before = len(shared_sandbox.requests)
    done = run(shared_sandbox, "plan", f"--{option}", path)
    assert (done.code, done.stdout) == (2, "")
    assert f"does not hold a Singer {option}" in done.stderr
    assert len(shared_sandbox.requests) == before


def test_a_bookmark_that_is_no_date_is_an_error_as_in_a_sync(planner: Planner) -> None:
    bookmark = {"replication_key": "DATE_UPDATED_UTC", "replication_key_value": "yesterday"}
    planner.state = {"bookmarks": {"contacts": bookmark}}
    done = planner.run(only(catalog(), "contacts"))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: The state of stream contacts holds 'yesterday'")


def test_a_setting_of_the_sdk_that_is_wrong_is_wrong_usage(shared_sandbox: Sandbox) -> None:
    for content in ("{not json", '{"encoding": 7}'):
        done = run(shared_sandbox, "plan", batch_config=content)
        assert (done.code, done.stdout) == (2, "")
        assert "batch_config" in done.stderr or "encoding" in done.stderr


def test_it_runs_as_a_process_and_a_wrong_key_is_a_sentence(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    done = run_as_process(shared_sandbox, "plan", "--json", folder=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert done.json["requests"] > 50
    done = run_as_process(shared_sandbox, "plan", folder=tmp_path, api_key="wrong")
    assert (done.code, done.stdout) == (77, "")
    assert done.stderr.startswith("Error: Insightly did not accept the API key")
