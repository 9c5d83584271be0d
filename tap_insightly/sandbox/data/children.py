"""What records have below them: states that deals were in, comments, documents, files."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.data.maker import Maker

_LONG = 12_000  # characters: more than some warehouses make a text column for, unless told
_LISTS = 5
_EVERY = 40  # of so many deals, one has a history with an oddity of each kind


class _Plan(NamedTuple):
    """A record that is to be made, once it is known which come before it."""

    made: str
    number: int
    path: str
    parent_id: int
    fields: Record


def fill(maker: Maker) -> None:
    """Put something below the records, without a change of these."""
    _histories(maker)
    _add(maker, "Comments", _ticket_comments(maker))
    _add(maker, "Comments", _comments(maker))
    documents = list(_documents(maker))
    files = [_file_of(maker, document, number) for number, document in enumerate(documents)]
    _add(maker, "FileAttachments", [*files, *_files(maker, len(files))])
    for document, file in zip(documents, files, strict=True):
        document.fields["FILE_ID"] = str(file.fields["FILE_ID"])
    _add(maker, "QuotationDocument", documents)
    _memberships(maker)


def _add(maker: Maker, name: str, plans: Iterator[_Plan] | list[_Plan]) -> None:
    """Make records, each later than the one before it, as their ids ascend."""
    below = maker.account.below
    for plan in sorted(plans, key=lambda one: one[:2]):
        kind = below.kind(plan.path, name)
        plan.fields[str(kind.key)] = below.next_id(kind) + maker.rng.choice((0, 0, 1, 5))
        below.add(plan.path, plan.parent_id, kind, plan.fields)


def _chosen(maker: Maker, path: str, share: float) -> Iterator[tuple[int, Record]]:
    """Choose some records: always the first, so that even a tiny account has some."""
    (key,) = maker.account.tables[path].keys
    for number, row in enumerate(maker.rows(path)):
        if number == 0 or maker.chance(share):
            yield row[key], row


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def _moments(maker: Maker, first: str, last: str, count: int) -> list[str]:
    """Choose some moments."""
    start = _moment(first)
    seconds = int((_moment(last) - start).total_seconds())
    chosen = sorted(maker.rng.randint(0, seconds) for _ in range(count))
    return [timestamp(start + timedelta(seconds=one)) for one in chosen]


def _while_it_matters(maker: Maker, row: Record, count: int, days: int) -> list[str]:
    """Choose moments at which people do something about a record, for so many days at least.

    Some are later than the record's update: whether a comment or a file updates the record that it
    is added to is not known.
    """
    made = row["DATE_CREATED_UTC"]
    last = max(
        timestamp(min(TODAY, _moment(made) + timedelta(days=days))),
        row.get("DATE_UPDATED_UTC") or made,
    )
    return _moments(maker, made, last, count)


def _histories(maker: Maker) -> None:
    below = maker.account.below
    kind = below.kind("/Opportunities", "StateHistory")
    reasons: dict[str, list[Record]] = {}
    for reason in maker.rows("/OpportunityStateReasons"):
        reasons.setdefault(reason["FOR_OPPORTUNITY_STATE"], []).append(reason)
    for number, deal in enumerate(maker.rows("/Opportunities")):
        for moment, state in _steps(maker, deal, number % _EVERY):
            entry = {"DATE_CHANGED_UTC": moment, "FOR_OPPORTUNITY_STATE": state}
            if state in reasons:
                reason = maker.rng.choice(reasons[state])
                entry |= {name: reason[name] for name in ("STATE_REASON_ID", "STATE_REASON")}
            # The API gives entries no id, so clients must cope with two of the same.
            for _ in range(2 if number % _EVERY == 1 else 1):
                below.add("/Opportunities", deal["OPPORTUNITY_ID"], kind, entry)


def _steps(maker: Maker, deal: Record, number: int) -> list[tuple[str, str]]:
    """Tell how a deal came to be in its state: from open, some of them with a detour."""
    made, updated, state = (
        deal[name] for name in ("DATE_CREATED_UTC", "DATE_UPDATED_UTC", "OPPORTUNITY_STATE")
    )
    last = updated
    if closed := deal["ACTUAL_CLOSE_DATE"]:  # only the day is known
        last = min(updated, closed[:10] + " 23:59:59")
        (last,) = _moments(maker, max(made, closed), last, 1)
    detour: tuple[str, ...] = ()
    if number == 2 or (made < last and maker.chance(0.12)):
        detour = ("SUSPENDED", "OPEN")
    elif made < last and maker.chance(0.05):
        detour = ("LOST", "OPEN")
    moments = _moments(maker, made, last, len(detour))
    if number == 2:
        moments[1] = moments[0]  # two changes in one second
    steps = [(made, "OPEN"), *zip(moments, detour, strict=True)]
    if state != "OPEN":
        steps.append((last, state))
    return steps


def _ticket_comments(maker: Maker) -> Iterator[_Plan]:
    number = 0
    for key, row in _chosen(maker, "/Ticket", 0.5):
        first = row["TicketCommentBodyHtml"]
        moments = _while_it_matters(maker, row, maker.rng.randint(1, 4), 7)
        for made in moments:
            is_by_contact = made == moments[0] or maker.chance(0.4)
            fields = {
                "BODY_HTML": (first or f"<p>{maker.remark()}</p>") if number else _long(maker),
                "PUBLIC_COMMENT": is_by_contact or maker.chance(0.8),
                "CHANNEL": row["SOURCE"] if is_by_contact else "AGENT",
                "AUTHOR_CONTACT_ID": row["CONTACT_ID"] if is_by_contact else None,
                "CREATED_USER_ID": None if is_by_contact else maker.user(),
                "DATE_CREATED_UTC": made,
            }
            yield _Plan(made, number, "/Ticket", key, fields)
            number, first = number + 1, None


def _long(maker: Maker) -> str:
    bodies = (maker.rng.choice(words.PARAGRAPHS).format(maker.remark()) for _ in range(_LONG))
    text = ""
    while len(text) < _LONG:
        text += next(bodies)
    return text


def _comments(maker: Maker) -> Iterator[_Plan]:
    number = 0
    for path, share in (("/Notes", 0.15), ("/Tasks", 0.07), ("/Emails", 0.1)):
        for key, row in _chosen(maker, path, share):
            count = maker.rng.choice((1, 1, 1, 2, 3))
            for made in _while_it_matters(maker, row, count, 14):
                updated = _while_it_matters(maker, {"DATE_CREATED_UTC": made}, 1, 3)[0]
                fields = {
                    "BODY": maker.rng.choice(words.COMMENTS) if number else _long(maker),
                    "OWNER_USER_ID": maker.user(),
                    "DATE_CREATED_UTC": made,
                    "DATE_UPDATED_UTC": updated if maker.chance(0.2) else made,
                }
                yield _Plan(made, number, path, key, fields)
                number += 1


def _documents(maker: Maker) -> Iterator[_Plan]:
    number = 0
    for key, row in _chosen(maker, "/Quotation", 0.8):
        versions = maker.rng.choice((1, 1, 1, 2))
        for version, made in enumerate(_while_it_matters(maker, row, versions, 10), 1):
            number += 1
            name = f"{row['QUOTATION_NUMBER']} v{version} {row['QUOTATION_NAME']}"
            fields = {
                "QUOTATION_NAME": row["QUOTATION_NAME"],
                "FILE_NAME": f"{name[:251]}.pdf",  # 255 at the most (spec)
                "OWNER_USER_ID": row["OWNER_USER_ID"],
                "DATE_CREATED_UTC": made,
                "CURRENCY_CODE": row["QUOTATION_CURRENCY_CODE"],
            }
            yield _Plan(made, number, "/Quotation", key, fields)


def _file_of(maker: Maker, document: _Plan, number: int) -> _Plan:
    """Attach the file of a quote's document to the deal. That it is there is assumed."""
    deal_id = (maker.find("/Quotation", document.parent_id) or {})["OPPORTUNITY_ID"]
    copied = ("FILE_NAME", "OWNER_USER_ID", "DATE_CREATED_UTC")
    fields = {
        **{name: document.fields[name] for name in copied},
        "CONTENT_TYPE": "application/pdf",
        "FILE_SIZE": maker.rng.randint(20_000, 400_000),
        "DATE_UPDATED_UTC": document.made,
    }
    return _Plan(document.made, number, "/Opportunities", deal_id, fields)


def _files(maker: Maker, number: int) -> Iterator[_Plan]:
    categories = [one["CATEGORY_ID"] for one in maker.rows("/FileCategories")]
    standard = (
        ("/Contacts", 0.05),
        ("/Leads", 0.05),
        ("/Organisations", 0.1),
        ("/Opportunities", 0.1),
        ("/Projects", 0.3),
        ("/Emails", 0.15),
        ("/Notes", 0.08),
    )
    custom = [(f"/{one['OBJECT_NAME']}", 0.4) for one in maker.rows("/CustomObjects")]
    names = cycle(words.FILES)
    for path, share in (*standard, *custom):
        for key, row in _chosen(maker, path, share):
            chosen = islice(names, maker.rng.choice((1, 1, 2, 3)))
            days = 0 if path == "/Emails" else 30
            for made, file in zip(_while_it_matters(maker, row, 3, days), chosen, strict=False):
                name, content_type, size = file
                number += 1
                is_elsewhere = maker.chance(0.1)
                link = f"https://files.sandbox.example/{number}"
                fields = {
                    "FILE_NAME": name,
                    "CONTENT_TYPE": content_type,
                    "FILE_SIZE": None if is_elsewhere else maker.rng.randint(size // 4, size),
                    "FILE_CATEGORY_ID": maker.maybe(maker.rng.choice(categories), 0.6),
                    "OWNER_USER_ID": maker.user(),
                    "DATE_CREATED_UTC": made,
                    "DATE_UPDATED_UTC": made,
                    "URL": link if is_elsewhere else None,
                }
                yield _Plan(made, number, path, key, fields)


def _memberships(maker: Maker) -> None:
    below = maker.account.below
    kind = below.kind("/Prospect", "StaticListMembership")
    first = below.next_id(kind)
    lists = range(first, first + _LISTS)
    for number, row in enumerate(maker.rows("/Prospect")):
        for list_id in sorted(maker.some(lists, 3, number == 0)):
            below.add("/Prospect", row["PROSPECT_ID"], kind, {"LIST_ID": list_id})
