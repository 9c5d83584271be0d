"""Handing on: at least once, in order for one record, whatever fails or is killed."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.webhooks.database import StoreError
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.forwarding import Forwarder
from tap_insightly.webhooks.outbox import forget_forward, forward_standings, given_up
from tap_insightly.webhooks.store import EventStore, Selection
from tap_insightly.webhooks.targets import HandOnError, Target
from tests.webhooks.keeping import Clock, keep, small_disk, task, writing
from tests.webhooks.test_store import MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_insightly.webhooks.writer import EventWriter
    from tests.webhooks.keeping import Disk

NAME = "one"
DAY = 86_400


class Killed(BaseException):
    """The process was killed just now."""


class Told(Target):
    """Takes events, unless it is told otherwise."""

    name = shown = "told"

    def __init__(self, before: Callable[[Any], object] = lambda _: None) -> None:
        self.before = before
        self.events: list[Any] = []

    def hand_on(self, content: bytes, key: str) -> None:
        event = json.loads(content)
        self.before(event)
        self.events.append({**event, "key": key})

    @property
    def titles(self) -> list[str]:
        return [event["record"]["TITLE"] for event in self.events]


class Scene:
    """A store, its writer, and time that passes only while somebody waits."""

    def __init__(self, path: Path, writer: EventWriter, clock: Clock) -> None:
        self.writer = writer
        self.clock = clock
        self.store = EventStore(path, is_writable=True)
        self.said: list[str] = []

    def forward(
        self,
        target: Target,
        *,
        until: Callable[[], bool] = lambda: False,
        name: str = NAME,
        speed: float = 1,
        say: Callable[[str], object] | None = None,
        **options: bool,
    ) -> bool:
        def sleep(seconds: float) -> None:
            self.clock.now += seconds * speed

        forwarder = Forwarder(
            self.store,
            target,
            name,
            say=say or self.said.append,
            is_over=until,
            sleep=sleep,
            clock=self.clock,
        )
        return forwarder.run(**options)


@contextmanager
def scene(folder: str | Path | None = None) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        clock = Clock()
        path = Path(made) / "store.sqlite"
        with writing(path, clock) as writer:
            found = Scene(path, writer, clock)
            with found.store:
                yield found


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        yield found


def test_an_event_is_told_as_it_was_understood(play: Scene) -> None:
    keep(play.writer, task(5, "2026-04-09"), b"broken")
    target = Told()
    assert play.forward(target, is_once=True)
    (event,) = target.events
    assert event.pop("key") == f"{play.store.standing().store_id}-1"
    assert event == {
        "account": "acme",
        "object": "Task",
        "id": 5,
        "updated": "2026-04-09T10:00:00Z",
        "received": "2027-01-15T08:00:00Z",
        "record": {"TASK_ID": 5, "TITLE": "x", "DATE_UPDATED_UTC": "2026-04-09T10:00:00Z"},
    }


def test_it_goes_on_where_it_was(play: Scene) -> None:
    target = Told()
    keep(play.writer, task(1, title="a"))
    assert play.forward(target, is_once=True)
    assert play.forward(target, is_once=True)
    keep(play.writer, task(1, title="b"))
    assert play.forward(target, is_once=True, is_from_now=True)  # that is for a new one
    assert target.titles == ["a", "b"]


def test_each_name_has_its_own_place(play: Scene) -> None:
    first, second, third = Told(), Told(), Told()
    keep(play.writer, task(1, title="a"))
    play.forward(first, is_once=True)
    play.forward(second, is_once=True, name="other", is_from_now=True)
    keep(play.writer, task(1, title="b"))
    for target, name in ((first, NAME), (second, "other"), (third, "third")):
        play.forward(target, is_once=True, name=name)
    assert (first.titles, second.titles, third.titles) == (["a", "b"], ["b"], ["a", "b"])
    assert forget_forward(play.store, NAME)
    assert not forget_forward(play.store, NAME)
    assert [one.name for one in forward_standings(play.store)] == ["other", "third"]


def test_a_repeated_delivery_is_not_handed_on_again(play: Scene) -> None:
    target = Told()
    for _ in range(2):
        keep(play.writer, task(1, "2026-04-09"), task(2))
        play.forward(target, is_once=True)
    assert [event["id"] for event in target.events] == [1, 2]


def refuse(*titles: str) -> Callable[[Any], None]:
    """Take no events with these titles."""

    def before(event: Any) -> None:
        if event["record"]["TITLE"] in titles:
            message = "answered 500"
            raise HandOnError(message)

    return before


def test_what_fails_keeps_up_its_own_record_alone(play: Scene) -> None:
    keep(play.writer, task(1, title="bad"), task(1, title="after"), task(2), task(3))
    target = Told(refuse("bad"))
    assert not play.forward(target, is_once=True)
    assert [event["id"] for event in target.events] == [2, 3]
    assert play.said == ["Task 1 (event 1): told answered 500. It is tried again in 5 seconds."]
    target.before = refuse()
    assert not play.forward(target, is_once=True)  # it is not time yet
    play.clock.now += 6
    assert play.forward(target, is_once=True)
    assert target.titles == ["x", "x", "bad", "after"]


def test_what_is_not_taken_for_a_day_is_given_up_and_listed(play: Scene) -> None:
    keep(play.writer, task(1, title="bad"), task(1, title="after"))
    target = Told(refuse("bad"))
    began = play.clock.now
    play.forward(target, until=lambda: bool(target.events), speed=20)
    assert DAY <= play.clock.now - began < DAY + 1300
    assert target.titles == ["after"]
    assert play.said[-1] == "Task 1 (event 1): told answered 500. It is given up."
    waits = [int(line.split()[-2]) for line in play.said[:-1]]
    assert waits[:8] == [5, 10, 20, 40, 80, 160, 320, 600]
    assert set(waits[8:]) == {600}
    (failure,) = given_up(play.store)
    assert (failure.forward, failure.event.seq, failure.error) == (NAME, 1, "answered 500")
    assert list(given_up(play.store, Selection(account="other"))) == []
    (standing,) = forward_standings(play.store)
    assert (standing.ahead, standing.waiting, standing.given_up) == (0, 0, 1)
    # It is kept, and can be handed on after all.
    play.store.replay(Selection(seqs=frozenset({1})), understand)
    assert list(given_up(play.store)) == []
    target.before = refuse()
    assert play.forward(target, is_once=True)
    assert target.titles == ["after", "bad"]


def test_a_target_that_takes_nothing_is_left_in_peace(play: Scene) -> None:
    keep(play.writer, *(task(one) for one in range(1, 101)))

    def fail(_: Any) -> None:
        tries.append(play.clock.now)
        message = "is down"
        raise HandOnError(message)

    tries: list[float] = []
    began = play.clock.now
    play.forward(Told(fail), until=lambda: play.clock.now > began + 3600)
    assert len(tries) < 100
    target = Told()
    play.forward(target, until=lambda: len(target.events) == 100)
    assert sorted(event["id"] for event in target.events) == list(range(1, 101))


def test_what_is_still_to_be_handed_on_is_not_pruned(play: Scene) -> None:
    keep(play.writer, task(1, title="bad"), task(2), b"broken")
    play.forward(Told(refuse("bad")), is_once=True)
    keep(play.writer, task(3))
    play.clock.now += 60
    late = play.store.events()
    moment = max(event.latest for event in late)
    for _ in range(2):
        play.store.prune(moment.replace(year=moment.year + 1))
        assert [event.seq for event in play.store.events()] == [1, 3, 4]
    target = Told()
    assert play.forward(target, is_once=True)
    assert [event["id"] for event in target.events] == [1, 3]
    play.store.prune(moment.replace(year=moment.year + 1), is_with_rejected=True)
    assert list(play.store.events()) == []


def test_what_waits_and_is_replayed_is_handed_on(play: Scene) -> None:
    keep(play.writer, task(1, title="bad"), task(1, title="after"))
    target = Told(refuse("bad"))
    play.forward(target, is_once=True)
    play.store.replay(Selection(), understand)
    play.forward(target, is_once=True)
    target.before = refuse()
    play.clock.now += 20
    assert play.forward(target, is_once=True)
    assert target.titles[:2] == ["bad", "after"]


def test_two_may_not_have_one_name(play: Scene) -> None:
    keep(play.writer, task(1))

    def again(_: Any) -> None:
        with pytest.raises(StoreError, match="Each needs a --name of its own"):
            play.forward(Told(), is_once=True)

    assert play.forward(Told(again), is_once=True)


@pytest.mark.parametrize("disk", [small_disk], indirect=True)
def test_what_was_taken_is_not_handed_on_again_while_the_disk_is_full(disk: Disk) -> None:
    with scene(disk.folder) as play:
        keep(play.writer, task(1))
        target = Told(lambda _: disk.fill())

        def say(text: str) -> None:
            play.said.append(text)
            if len(play.said) == 3:
                disk.make_room()

        play.forward(target, say=say, until=lambda: is_done(play))
        assert len(target.events) == 1
        assert len(play.said) == 3
        assert "its disk is full" in play.said[0]


STEPS = st.lists(st.sampled_from(["take", "fail", "die", "come"]), max_size=30)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=8), STEPS)
def test_nothing_is_lost_and_records_keep_their_order(
    records: Sequence[int], steps: Sequence[str]
) -> None:
    """Whatever fails, dies after it was taken and before that was noted, or comes meanwhile."""
    with scene(MEMORY if Path(MEMORY).is_dir() else None) as play:
        script, numbers = list(steps), iter(range(1000))

        def come(*ids: int) -> None:
            keep(play.writer, *(task(one, title=str(next(numbers))) for one in ids))

        def before(event: Any) -> None:
            step = script.pop(0) if script else "take"
            if step == "come":
                come(event["id"], event["id"] % 3 + 1)
            if step == "fail":
                message = "failed"
                raise HandOnError(message)
            if step == "die":
                target.events.append(event)
                raise Killed

        target = Told(before)
        come(*records)
        deaths = 0
        while True:
            try:
                play.forward(target, until=lambda: is_done(play))
                break
            except Killed:
                deaths += 1
        told = [(event["id"], int(event["record"]["TITLE"])) for event in target.events]
        events = list(play.store.events())
        everything = [(one.record_id, json.loads(one.body)["entity"]["TITLE"]) for one in events]
        assert {(one, str(title)) for one, title in told} == set(everything)
        assert len(told) <= len(everything) + deaths
        for record in (1, 2, 3):
            own = [title for one, title in told if one == record]
            assert all(one <= other for one, other in pairwise(own))


def is_done(play: Scene) -> bool:
    return not any(one.ahead or one.waiting for one in forward_standings(play.store))
