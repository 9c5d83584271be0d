"""Projects and milestones, tasks, events, notes and emails."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import day
from tap_insightly.sandbox.data.people import activity
from tap_insightly.sandbox.data.sales import stages_of

if TYPE_CHECKING:
    from datetime import datetime

    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.data.life import Life
    from tap_insightly.sandbox.data.maker import Maker

_OLD = 60  # days: after this, work is mostly done


class Subject(NamedTuple):
    """What an activity is about."""

    kind: str
    key: int
    direct: Record
    """Fields of the activity that name it directly, besides the link."""


def fill(maker: Maker) -> None:
    """Make projects and all that people do day by day."""
    won = [one for one in maker.rows("/Opportunities") if one["OPPORTUNITY_STATE"] == "WON"]
    for number, life in enumerate(maker.lives(maker.share(0.1), 400)):
        _project(maker, life, number, won)
    for number, life in enumerate(maker.lives(maker.share(0.3), 400)):
        _email(maker, life, number)
    for life in maker.lives(maker.share(1.0, 8), 300):
        _task(maker, life)
    for life in maker.lives(maker.share(0.3), 300):
        _event(maker, life)
    for life in maker.lives(maker.share(0.6), 400):
        _note(maker, life)


def _project(maker: Maker, life: Life, number: int, won: list[Record]) -> None:
    before = [deal for deal in won if (deal["ACTUAL_CLOSE_DATE"] or "") <= timestamp(life.created)]
    deal = maker.rng.choice(before[-20:]) if before and maker.chance(0.7) else None
    pipeline = next(p for p in maker.rows("/Pipelines") if p["FOR_PROJECTS"])
    stages = stages_of(maker, pipeline)
    at = min(len(stages) - 1, int(life.age / 120))
    status = ("NOT STARTED", "IN PROGRESS", "IN PROGRESS", "COMPLETED")[min(3, int(life.age / 90))]
    started = life.created + timedelta(days=min(life.age, maker.rng.randint(1, 20)))
    project = maker.add(
        "/Projects",
        life,
        PROJECT_NAME=f"{maker.rng.choice(words.PROJECTS)} {number + 1}",
        STATUS=status,
        PROJECT_DETAILS=maker.maybe(maker.remark()),
        IMAGE_URL=maker.maybe(f"https://images.sandbox.example/project{number}.png", 0.1),
        STARTED_DATE=None if status == "NOT STARTED" else maker.maybe_date(day(started), 0.8),
        COMPLETED_DATE=_completed(life, started) if status == "COMPLETED" else _removed(maker),
        OPPORTUNITY_ID=deal["OPPORTUNITY_ID"] if deal else None,
        CATEGORY_ID=maker.pick("/ProjectCategories")["CATEGORY_ID"],
        PIPELINE_ID=pipeline["PIPELINE_ID"],
        STAGE_ID=stages[at]["STAGE_ID"],
        RESPONSIBLE_USER_ID=maker.user(),
        TAGS=maker.tags(),
        LINKED_EMAIL_ADDRESS=f"sandbox-P{number}@mailbox.example",
        **activity(maker, life),
    )
    if deal is not None:
        own = ("Project", project["PROJECT_ID"])
        project["LINKS"] = [maker.link(own, ("Organisation", deal["ORGANISATION_ID"]))]
    for title in words.MILESTONES[: maker.rng.randint(1, 3)]:
        _milestone(maker, life.child(10), project["PROJECT_ID"], title)


def _completed(life: Life, started: datetime) -> str:
    return day(life.touch(max(started, life.moment(200))))


def _removed(maker: Maker) -> str | None:
    return maker.rng.choice((None, "0000-00-00 00:00:00"))


def _milestone(maker: Maker, life: Life, project_id: int, title: str) -> None:
    is_done = maker.chance(0.8 if life.age > _OLD else 0.1)
    maker.add(
        "/Milestones",
        life,
        TITLE=title,
        COMPLETED=is_done,
        DUE_DATE=day(life.created + timedelta(days=maker.rng.randint(10, 120))),
        COMPLETED_DATE_UTC=timestamp(life.later(120)) if is_done else "",
        PROJECT_ID=project_id,
        RESPONSIBLE_USER=maker.user(),
    )


def _subject(maker: Maker, life: Life) -> Subject:
    kind, path, key = maker.rng.choice(
        (
            ("Opportunity", "/Opportunities", "OPPORTUNITY_ID"),
            ("Organisation", "/Organisations", "ORGANISATION_ID"),
            ("Contact", "/Contacts", "CONTACT_ID"),
            ("Project", "/Projects", "PROJECT_ID"),
        )
    )
    record_id = maker.pick(path, life)[key]
    return Subject(kind, record_id, {key: record_id} if kind in {"Opportunity", "Project"} else {})


def _first_milestone(maker: Maker, project_id: int | None) -> int | None:
    if project_id is None:
        return None
    milestones = maker.rows("/Milestones")
    return next((m["MILESTONE_ID"] for m in milestones if m["PROJECT_ID"] == project_id), None)


def _task(maker: Maker, life: Life) -> None:
    subject = _subject(maker, life)
    is_done = maker.chance(0.85 if life.age > _OLD else 0.35)
    due = life.created + timedelta(days=maker.rng.randint(1, 60))
    milestone = _first_milestone(maker, subject.direct.get("PROJECT_ID"))
    has_team = maker.chance(0.1)
    earlier = maker.rows("/Tasks")
    task = maker.add(
        "/Tasks",
        life,
        TITLE=maker.rng.choice(words.TASKS),
        CATEGORY_ID=maker.pick("/TaskCategories")["CATEGORY_ID"],
        START_DATE=maker.maybe_date(day(life.created), 0.3),
        DUE_DATE=maker.maybe_date(day(due), 0.8),
        REMINDER_DATE_UTC=maker.maybe(timestamp(due - timedelta(hours=12)), 0.2),
        REMINDER_SENT=is_done and maker.chance(0.2),
        COMPLETED_DATE_UTC=timestamp(life.later(90)) if is_done else maker.maybe_date("", 0.5),
        COMPLETED=is_done,
        DETAILS=maker.maybe(maker.remark(), 0.4),
        STATUS="COMPLETED" if is_done else maker.rng.choice(("NOT STARTED", "IN PROGRESS")),
        PRIORITY=maker.rng.randint(1, 3),
        PERCENT_COMPLETE=100 if is_done else maker.rng.choice((0, 0, 50)),
        MILESTONE_ID=maker.maybe(milestone, 0.4) if milestone else None,
        PARENT_TASK_ID=earlier[-1]["TASK_ID"] if earlier and maker.chance(0.05) else None,
        EMAIL_ID=maker.maybe(maker.pick("/Emails", life)["EMAIL_ID"], 0.05),
        STAGE_ID=maker.maybe(maker.pick("/PipelineStages")["STAGE_ID"], 0.05),
        RECURRENCE=maker.maybe("FREQ=WEEKLY", 0.05),
        RESPONSIBLE_USER_ID=maker.user(),
        ASSIGNED_BY_USER_ID=maker.user(),
        ASSIGNED_DATE_UTC=timestamp(life.created),
        ASSIGNED_TEAM_ID=maker.pick("/Teams")["TEAM_ID"] if has_team else None,
        PUBLICLY_VISIBLE=True,
        OWNER_VISIBLE=False,
        **subject.direct,
    )
    task["LINKS"] = _links(maker, ("Task", task["TASK_ID"]), subject)


def _links(maker: Maker, own: tuple[str, int], subject: Subject) -> list[Record]:
    """Link an activity to its subject and, for a deal, to the person who decides."""
    others = [(subject.kind, subject.key)]
    if subject.kind == "Opportunity":
        deal = maker.find("/Opportunities", subject.key) or {}
        others += [
            ("Contact", link["LINK_OBJECT_ID"])
            for link in deal["LINKS"]
            if link["LINK_OBJECT_NAME"] == "Contact"
        ]
    return [maker.link(own, other) for other in others]


def _event(maker: Maker, life: Life) -> None:
    start = (life.created + timedelta(days=maker.rng.randint(0, 40))).replace(
        hour=maker.rng.randint(7, 16), minute=maker.rng.choice((0, 15, 30)), second=0
    )
    event = maker.add(
        "/Events",
        life,
        TITLE=f"{maker.rng.choice(('Meeting', 'Call', 'Besuch', 'Démo'))} 📅",
        LOCATION=maker.maybe("Room 3, 2nd floor"),
        DETAILS=maker.maybe(maker.remark(), 0.3),
        START_DATE_UTC=timestamp(start),
        END_DATE_UTC=timestamp(start + timedelta(minutes=30 * maker.rng.randint(1, 6))),
        ALL_DAY=False,
        REMINDER_DATE_UTC=maker.maybe(timestamp(start - timedelta(minutes=15)), 0.3),
        REMINDER_SENT=False,
    )
    event["LINKS"] = _links(maker, ("Event", event["EVENT_ID"]), _subject(maker, life))


def _note(maker: Maker, life: Life) -> None:
    body = "".join(
        maker.rng.choice(words.PARAGRAPHS).format(maker.remark())
        for _ in range(maker.rng.randint(1, 60))
    )
    note = maker.add("/Notes", life, TITLE=maker.rng.choice(words.TASKS), BODY=body)
    note["LINKS"] = _links(maker, ("Note", note["NOTE_ID"]), _subject(maker, life))


def _email(maker: Maker, life: Life, number: int) -> None:
    contact = maker.pick("/Contacts", life)
    is_ours = maker.chance(0.3)
    sent = timestamp(life.created - timedelta(seconds=30))
    email = maker.add(
        "/Emails",
        life,
        EMAIL_FROM="user1@sandbox.example" if is_ours else contact["EMAIL_ADDRESS"],
        SUBJECT=f"Re: {maker.rng.choice(words.SUBJECTS)} #{number}",
        EMAIL_DATE_UTC=sent,
        QUEUED_SEND_DATE_UTC=sent if is_ours else None,
        FORMAT=maker.rng.choice(("HTML", "PLAIN")),
        SIZE=maker.rng.randint(900, 90_000),
        TAGS=maker.tags(1),
    )
    person = ("Contact", contact["CONTACT_ID"])
    email["LINKS"] = [maker.link(("Email", email["EMAIL_ID"]), person)]
