"""The tools that all made-up data is made with."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tap_insightly.sandbox.server import Sandbox
    from tap_insightly.sandbox.store import Record

    T = TypeVar("T")

TODAY = datetime(2026, 6, 30, 18, tzinfo=timezone.utc)
"""When the made-up account was last used: fixed, so that a seed always gives the same data."""

# All three were seen live. The zeros only where a date was set once and removed.
_EMPTY_DATES = (None, None, None, "", "0000-00-00 00:00:00")


class Maker:
    """Puts records into a sandbox."""

    def __init__(self, sandbox: Sandbox, records: int, rng: Random) -> None:
        """Begin.

        Args:
            sandbox: What to fill.
            records: How many contacts to make.
            rng: The source of all chance.
        """
        self.sandbox = sandbox
        self.records = records
        self.rng = rng
        self._next_link = 70_000_000

    def share(self, of_contacts: float, least: int = 3) -> int:
        """Say how many to make of something.

        Args:
            of_contacts: How many for each contact.
            least: The fewest.

        Returns:
            A number.
        """
        return max(least, int(self.records * of_contacts))

    def add(self, path: str, **fields: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Add a record, with an id in ascending order and with gaps.

        Args:
            path: The object's path.
            **fields: Its fields.

        Returns:
            The record.
        """
        table = self.sandbox.tables[path]
        if table.has_id:
            first = 300_000_000 + 1_000_000 * list(self.sandbox.tables).index(path)
            fields[table.keys[0]] = max(first, table.next_id() + self.rng.choice((0, 0, 1, 5)))
        record = table.blank() | fields
        table.add(record)
        return record

    def rows(self, path: str) -> list[Record]:
        """List what was made so far.

        Args:
            path: The object's path.

        Returns:
            The records themselves.
        """
        return self.sandbox.tables[path].rows

    def pick(self, path: str) -> Record:
        """Choose a record by chance.

        Args:
            path: The object's path.

        Returns:
            The record itself.
        """
        return self.rng.choice(self.rows(path))

    def user(self) -> int:
        """Choose a user by chance.

        Returns:
            The user's id.
        """
        user_id: int = self.pick("/Users")["USER_ID"]
        return user_id

    def some(self, choices: Sequence[T], most: int) -> list[T]:
        """Choose a few different ones.

        Args:
            choices: What to choose from.
            most: The most to choose.

        Returns:
            Between none and `most` of them.
        """
        return self.rng.sample(choices, min(len(choices), self.rng.randint(0, most)))

    def chance(self, probability: float) -> bool:
        """Toss a coin.

        Args:
            probability: How often it is true, from 0 to 1.

        Returns:
            Whether it is this time.
        """
        return self.rng.random() < probability

    def moment(self, days_ago: int, until_days_ago: int = 0) -> datetime:
        """Choose a moment.

        Args:
            days_ago: The earliest, in days before the account was last used.
            until_days_ago: The latest.

        Returns:
            An aware datetime.
        """
        seconds = self.rng.randint(until_days_ago * 86_400, days_ago * 86_400)
        return TODAY - timedelta(seconds=seconds)

    def stamps(self, days_ago: int = 900, *, owner: bool = True) -> Record:
        """Make the fields that tell when and by whom a record was made.

        Args:
            days_ago: The earliest, in days before the account was last used.
            owner: Whether to name the users too.

        Returns:
            Fields.
        """
        created = self.moment(days_ago, 1)
        span = int((TODAY - created).total_seconds())
        updated = created + timedelta(seconds=self.rng.choice((0, self.rng.randint(0, span))))
        fields: Record = {
            "DATE_CREATED_UTC": timestamp(created),
            "DATE_UPDATED_UTC": timestamp(updated),
        }
        if owner:
            fields["OWNER_USER_ID"] = fields["CREATED_USER_ID"] = self.user()
        return fields

    def day(self, days_ago: int, until_days_ago: int = 0) -> str:
        """Choose a day, written as Insightly does: at midnight.

        Args:
            days_ago: The earliest, in days before the account was last used.
            until_days_ago: The latest; below 0 for the future.

        Returns:
            Text.
        """
        return timestamp(self.moment(days_ago, until_days_ago))[:10] + " 00:00:00"

    def maybe(self, value: T, probability: float = 0.5) -> T | None:
        """Leave something empty now and then.

        Args:
            value: What it is.
            probability: How often it is there, from 0 to 1.

        Returns:
            The value or None.
        """
        return value if self.chance(probability) else None

    def maybe_date(self, text: str, probability: float = 0.5) -> str | None:
        """Leave a date empty now and then, in one of the three ways of the API.

        Args:
            text: The date.
            probability: How often it is there, from 0 to 1.

        Returns:
            Text or None.
        """
        return text if self.chance(probability) else self.rng.choice(_EMPTY_DATES)

    def money(self, low: int, high: int) -> Decimal:
        """Choose an amount.

        Args:
            low: The least, in whole units.
            high: The most.

        Returns:
            An amount with two decimals.
        """
        return Decimal(self.rng.randint(low * 100, high * 100)).scaleb(-2)

    def tags(self, most: int = 3) -> list[Record]:
        """Choose tags.

        Args:
            most: The most.

        Returns:
            Tags as records carry them.
        """
        return [{"TAG_NAME": tag} for tag in self.some(words.TAGS, most)]

    def link(
        self, owner: tuple[str, int], other: tuple[str, int], role: str | None = None
    ) -> Record:
        """Link two records.

        Args:
            owner: The name and id of the record that carries the link.
            other: The name and id of the other.
            role: What the other is to it.

        Returns:
            A link as records carry it.
        """
        self._next_link += 1
        return {
            "LINK_ID": self._next_link,
            "OBJECT_NAME": owner[0],
            "OBJECT_ID": owner[1],
            "LINK_OBJECT_NAME": other[0],
            "LINK_OBJECT_ID": other[1],
            "ROLE": role,
            "DETAILS": None,
            "RELATIONSHIP_ID": None,
            "IS_FORWARD": None,
        }

    def custom_values(self, path: str) -> list[Record]:
        """Make values for an object's custom fields.

        Args:
            path: The object's path.

        Returns:
            What records carry as CUSTOMFIELDS: fields without a value are null or left out.
        """
        values: Record = {}
        for definition in self.sandbox.custom_fields[path].definitions:
            if self.chance(0.2):
                continue
            options = _options(definition, values)
            value = self._custom_value(definition, options) if self.chance(0.85) else None
            values[definition["FIELD_NAME"]] = value
        return [
            {"FIELD_NAME": name, "FIELD_VALUE": value, "CUSTOM_FIELD_ID": name}
            for name, value in values.items()
        ]

    def _custom_value(self, definition: Record, options: list[str]) -> object:  # noqa: PLR0911 - one for each type
        rng, kind = self.rng, definition["FIELD_TYPE"]
        if kind == "DROPDOWN":
            return rng.choice(options)
        if kind == "MULTISELECT":
            return ";".join(rng.sample(options, rng.randint(1, 3)))
        if kind == "BIT":
            return self.chance(0.5)
        if kind in {"NUMERIC", "CURRENCY"}:
            return self.money(0, 90_000)
        if kind == "PERCENT":
            return rng.randint(0, 100)
        if kind == "DATE":
            return self.day(700, -200)
        if kind == "DATETIME":
            return timestamp(self.moment(700))
        simple = {
            "AUTONUMBER": f"A-{rng.randint(1, 99_999):05}",
            "URL": f"https://example.com/{rng.randint(1, 9999)}",
            "PHONE": f"+1 555 01{rng.randint(0, 99):02}",
            "EMAIL": f"info{rng.randint(1, 999)}@example.org",
            "CALCULATED": rng.randint(0, 100),
            "MULTILINETEXT": f"{rng.choice(words.REMARKS)}\n{rng.choice(words.REMARKS)}",
        }
        if kind == "LOOKUP":
            return self.user()
        return simple.get(kind, rng.choice(words.REMARKS))


def _options(definition: Record, values: Record) -> list[str]:
    """List what can be chosen for a custom field.

    Args:
        definition: The field.
        values: The record's values so far, by field.

    Returns:
        The options, without those that the value of another field rules out.
    """
    options = {one["OPTION_ID"]: one["OPTION_VALUE"] for one in definition["CUSTOM_FIELD_OPTIONS"]}
    dependency = definition["DEPENDENCY"] or {"CONTROLLING_FIELD_ID": None, "OPTIONS_FILTERS": ()}
    ruling = values.get(dependency["CONTROLLING_FIELD_ID"])
    for one in dependency["OPTIONS_FILTERS"]:
        if one["CONTROLLING_VALUE"] == ruling:
            return [options[key] for key in one["OPTION_IDS"]]
    return list(options.values())
