"""Projects and milestones, tasks, events, notes and emails."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.sales import stages_of
from tap_insightly.sandbox.store import timestamp

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.maker import Maker
    from tap_insightly.sandbox.store import Record

_LONG = (
    "<p>{first}</p><ul><li>Budget: <b>€ 12.500</b></li><li>{second}</li></ul>"
    '<p style="color:#333">Next step: <a href="https://example.com/?a=1&amp;b=2">agenda</a></p>'
)


def fill(maker: Maker) -> None:
    """Make projects and all that people do day by day.

    Args:
        maker: The maker.
    """
    for number in range(maker.share(0.1)):
        _project(maker, number)
    for _ in range(maker.share(1.0, 8)):
        _task(maker)
    for _ in range(maker.share(0.3)):
        _event(maker)
    for _ in range(maker.share(0.6)):
        _note(maker)
    for number in range(maker.share(0.3)):
        _email(maker, number)


def _project(maker: Maker, number: int) -> None:
    pipeline = next(p for p in maker.rows("/Pipelines") if p["FOR_PROJECTS"])
    won = [o for o in maker.rows("/Opportunities") if o["OPPORTUNITY_STATE"] == "WON"]
    opportunity = maker.rng.choice(won) if won and maker.chance(0.7) else None
    status = maker.rng.choice(("NOT STARTED", "IN PROGRESS", "IN PROGRESS", "COMPLETED"))
    project = maker.add(
        "/Projects",
        PROJECT_NAME=f"{maker.rng.choice(words.PROJECTS)} {number + 1}",
        STATUS=status,
        PROJECT_DETAILS=maker.maybe(maker.rng.choice(words.REMARKS)),
        STARTED_DATE=maker.maybe_date(maker.day(300, 30), 0.8),
        COMPLETED_DATE=maker.day(30) if status == "COMPLETED" else "0000-00-00 00:00:00",
        OPPORTUNITY_ID=opportunity["OPPORTUNITY_ID"] if opportunity else None,
        CATEGORY_ID=maker.pick("/ProjectCategories")["CATEGORY_ID"],
        PIPELINE_ID=pipeline["PIPELINE_ID"],
        STAGE_ID=maker.rng.choice(stages_of(maker, pipeline))["STAGE_ID"],
        RESPONSIBLE_USER_ID=maker.user(),
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Projects"),
        LINKED_EMAIL_ADDRESS=f"sandbox-P{number}@mailbox.example",
        VISIBLE_TO="EVERYONE",
        **maker.stamps(),
    )
    for _ in range(maker.rng.randint(1, 3)):
        is_done = maker.chance(0.4)
        stamps = maker.stamps()
        del stamps["CREATED_USER_ID"]
        maker.add(
            "/Milestones",
            TITLE=maker.rng.choice(("Design", "Delivery", "Abnahme")),
            COMPLETED=is_done,
            DUE_DATE=maker.day(100, -100),
            COMPLETED_DATE_UTC=timestamp(maker.moment(90)) if is_done else "",
            PROJECT_ID=project["PROJECT_ID"],
            RESPONSIBLE_USER=maker.user(),
            **stamps,
        )


def _subject(maker: Maker) -> tuple[str, int, Record]:
    """Choose what an activity is about.

    Args:
        maker: The maker.

    Returns:
        The object's name, the record's id, and the fields that name it directly.
    """
    kind, path, key = maker.rng.choice(
        (
            ("Opportunity", "/Opportunities", "OPPORTUNITY_ID"),
            ("Organisation", "/Organisations", "ORGANISATION_ID"),
            ("Contact", "/Contacts", "CONTACT_ID"),
            ("Project", "/Projects", "PROJECT_ID"),
        )
    )
    record_id = maker.pick(path)[key]
    direct = {key: record_id} if kind in {"Opportunity", "Project"} else {}
    return kind, record_id, direct


def _links(maker: Maker, owner: tuple[str, int], subject: tuple[str, int]) -> list[Record]:
    return [maker.link(owner, subject)]


def _task(maker: Maker) -> None:
    kind, record_id, direct = _subject(maker)
    is_done = maker.chance(0.55)
    status = "COMPLETED" if is_done else maker.rng.choice(("NOT STARTED", "IN PROGRESS"))
    milestones = [
        milestone["MILESTONE_ID"]
        for milestone in maker.rows("/Milestones")
        if milestone["PROJECT_ID"] == direct.get("PROJECT_ID")
    ]
    task = maker.add(
        "/Tasks",
        TITLE=maker.rng.choice(words.TASKS),
        CATEGORY_ID=maker.pick("/TaskCategories")["CATEGORY_ID"],
        DUE_DATE=maker.maybe_date(maker.day(60, -60), 0.8),
        COMPLETED_DATE_UTC=timestamp(maker.moment(100)) if is_done else maker.maybe_date("", 0.5),
        COMPLETED=is_done,
        DETAILS=maker.maybe(maker.rng.choice(words.REMARKS), 0.4),
        STATUS=status,
        PRIORITY=maker.rng.randint(1, 3),
        PERCENT_COMPLETE=100 if is_done else maker.rng.choice((0, 0, 50)),
        MILESTONE_ID=maker.maybe(milestones[0], 0.4) if milestones else None,
        RESPONSIBLE_USER_ID=maker.user(),
        ASSIGNED_BY_USER_ID=maker.user(),
        PUBLICLY_VISIBLE=True,
        OWNER_VISIBLE=False,
        REMINDER_SENT=False,
        CUSTOMFIELDS=maker.custom_values("/Tasks"),
        **direct,
        **maker.stamps(300),
    )
    task["LINKS"] = _links(maker, ("Task", task["TASK_ID"]), (kind, record_id))


def _event(maker: Maker) -> None:
    kind, record_id, _ = _subject(maker)
    start = maker.moment(100, -60)
    stamps = maker.stamps(300)
    del stamps["CREATED_USER_ID"]
    event = maker.add(
        "/Events",
        TITLE=f"{maker.rng.choice(('Meeting', 'Call', 'Besuch', 'Démo'))} 📅",
        LOCATION=maker.maybe("Room 3, 2nd floor"),
        START_DATE_UTC=timestamp(start),
        END_DATE_UTC=timestamp(start + timedelta(minutes=30 * maker.rng.randint(1, 6))),
        ALL_DAY=False,
        REMINDER_SENT=False,
        **stamps,
    )
    event["LINKS"] = _links(maker, ("Event", event["EVENT_ID"]), (kind, record_id))


def _note(maker: Maker) -> None:
    kind, record_id, _ = _subject(maker)
    stamps = maker.stamps(400)
    del stamps["CREATED_USER_ID"]
    body = "".join(
        _LONG.format(first=maker.rng.choice(words.REMARKS), second=maker.rng.choice(words.REMARKS))
        for _ in range(maker.rng.randint(1, 25))
    )
    note = maker.add("/Notes", TITLE=maker.rng.choice(words.TASKS), BODY=body, **stamps)
    note["LINKS"] = _links(maker, ("Note", note["NOTE_ID"]), (kind, record_id))


def _email(maker: Maker, number: int) -> None:
    contact = maker.pick("/Contacts")
    sent = maker.moment(400)
    email = maker.add(
        "/Emails",
        EMAIL_FROM=contact["EMAIL_ADDRESS"],
        SUBJECT=f"Re: {maker.rng.choice(words.SUBJECTS)} #{number}",
        EMAIL_DATE_UTC=timestamp(sent),
        FORMAT=maker.rng.choice(("HTML", "PLAIN")),
        SIZE=maker.rng.randint(900, 90_000),
        OWNER_USER_ID=maker.user(),
        CREATED_USER_ID=maker.user(),
        DATE_CREATED_UTC=timestamp(sent + timedelta(seconds=30)),
        TAGS=maker.tags(1),
    )
    email["LINKS"] = _links(maker, ("Email", email["EMAIL_ID"]), ("Contact", contact["CONTACT_ID"]))
