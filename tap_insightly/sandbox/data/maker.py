"""The tools that all made-up data is made with."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import DAY, TODAY, Life

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from random import Random

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.data.words import Place

    Make = Callable[["Maker", Life, tuple[str, ...]], object]
    T = TypeVar("T")

# All three were seen live. The zeros only where a date was set once and removed.
_EMPTY_DATES = (None, None, None, "", "0000-00-00 00:00:00")


class Field(NamedTuple):
    """A custom field, and how to make values for it."""

    name: str
    kind: str
    label: str
    make: Make
    help: str | None = None
    options: tuple[str, ...] = ()
    joins: str | None = None
    dependency: dict[str, Any] | None = None

    def options_given(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """List what can be chosen, given the record's other values."""
        if self.dependency is None:
            return self.options
        ruling = values.get(self.dependency["CONTROLLING_FIELD_ID"])
        for rule in self.dependency["OPTIONS_FILTERS"]:
            if rule["CONTROLLING_VALUE"] == ruling:
                return tuple(self.options[number - 1] for number in rule["OPTION_IDS"])
        return self.options


class Maker:
    """Puts records into an account."""

    def __init__(self, account: Account, records: int, rng: Random) -> None:
        """Begin."""
        self.account = account
        self.records = records
        self.rng = rng
        self._fields: dict[str, tuple[Field, ...]] = {}
        self._next_link = 70_000_000

    def share(self, of_contacts: float, least: int = 3) -> int:
        """Say how many to make of something."""
        return max(least, int(self.records * of_contacts))

    def lives(self, total: int, days: int) -> Iterator[Life]:
        """Let records be made, each later than the one before it, as their ids ascend."""
        for number in range(total):
            passed = days * (number + self.rng.random()) / total
            created = TODAY - timedelta(seconds=int((days - passed) * DAY))
            life = Life(created, created, self.rng)
            if self.chance(0.5):
                life.later(days)
            yield life

    def define(self, path: str, fields: tuple[Field, ...]) -> None:
        """Define the custom fields of an object; its records get values for them."""
        self._fields[path] = fields
        for one in fields:
            self.account.add_custom_field(
                path, one.name, one.kind, one.label, one.help, one.options
            )
            definition = self.account.custom_fields[path].definitions[-1]
            definition |= {"JOIN_OBJECT": one.joins, "DEPENDENCY": one.dependency}

    def add(self, path: str, life: Life | None = None, **fields: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Add a record, with an id in ascending order and with gaps."""
        table = self.account.tables[path]
        if table.has_id:
            gap = self.rng.choice((0, 0, 1, 5))
            fields[table.keys[0]] = table.next_id() + (gap if table.rows else 0)
        record = table.blank() | fields
        if life is not None:
            user = self.user()
            made: Record = {
                "DATE_CREATED_UTC": timestamp(life.created),
                "DATE_UPDATED_UTC": timestamp(life.updated),
                "CREATED_USER_ID": user,
                "OWNER_USER_ID": user if self.chance(0.7) else self.user(),
                "CUSTOMFIELDS": self.custom_values(path, life),
            }
            if "VISIBLE_TO" in table.fields:
                made |= self._visibility()
            record |= {name: value for name, value in made.items() if name in table.fields}
        table.add(record)
        return record

    def rows(self, path: str) -> list[Record]:
        """List what was made so far."""
        return self.account.tables[path].rows

    def find(self, path: str, key: int | None) -> Record | None:
        """Look a record up."""
        return None if key is None else self.account.tables[path].find(key)

    def pick(self, path: str, before: Life | None = None) -> Record:
        """Choose a record by chance."""
        rows = self.rows(path)
        if before is None:
            return self.rng.choice(rows)
        moment = timestamp(before.created)
        known = bisect_right(rows, moment, key=lambda row: str(row["DATE_CREATED_UTC"]))
        return rows[self.rng.randrange(max(1, known))]

    def user(self) -> int:
        """Choose a user by chance."""
        # While the first user is made, there is none to have made it.
        user_id: int = self.pick("/Users")["USER_ID"] if self.rows("/Users") else 0
        return user_id

    def place(self) -> Place:
        """Choose a country by chance."""
        return self.rng.choice(words.PLACES)

    def some(self, choices: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Choose a few different ones."""
        return self.rng.sample(choices, min(len(choices), self.rng.randint(least, most)))

    def chance(self, probability: float) -> bool:
        """Toss a coin."""
        return self.rng.random() < probability

    def ahead(self, most_days: int) -> datetime:
        """Choose a moment in the days after TODAY."""
        return TODAY + timedelta(seconds=self.rng.randint(0, most_days * DAY))

    def maybe(self, value: T, probability: float = 0.5) -> T | None:
        """Leave something empty now and then."""
        return value if self.chance(probability) else None

    def maybe_date(self, text: str, probability: float = 0.5) -> str | None:
        """Leave a date empty now and then, in one of the three ways of the API."""
        return text if self.chance(probability) else self.rng.choice(_EMPTY_DATES)

    def money(self, low: int, high: int) -> Decimal:
        """Choose an amount."""
        return Decimal(self.rng.randint(low * 100, high * 100)).scaleb(-2)

    def remark(self) -> str:
        """Choose a remark."""
        return self.rng.choice(words.REMARKS)

    def tags(self, most: int = 3) -> list[Record]:
        """Choose tags."""
        return [{"TAG_NAME": tag} for tag in self.some(words.TAGS, most)]

    def link(
        self, owner: tuple[str, int], other: tuple[str, int], role: str | None = None
    ) -> Record:
        """Link two records."""
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

    def custom_values(self, path: str, life: Life, absent: float = 0.2) -> list[Record]:
        """Make values for the custom fields of a record.

        How often a field is not on its page layout and so `absent`, is a share; one that is empty
        is null (both seen live).
        """
        values: Record = {}
        for one in self._fields.get(path, ()):
            if self.chance(absent):
                continue
            value = one.make(self, life, one.options_given(values)) if self.chance(0.85) else None
            values[one.name] = value
        return [
            {"FIELD_NAME": name, "FIELD_VALUE": value, "CUSTOM_FIELD_ID": name}
            for name, value in values.items()
        ]

    def _visibility(self) -> Record:
        """Say who may see a record: mostly everyone. How a team's are marked is assumed."""
        if self.chance(0.95):
            return {"VISIBLE_TO": "EVERYONE"}
        return {"VISIBLE_TO": "TEAM", "VISIBLE_TEAM_ID": self.pick("/Teams")["TEAM_ID"]}
