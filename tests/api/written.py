"""Values that can be written to the fields of an object, made up by Hypothesis."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tap_insightly.api import Field, Fields

characters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
tags = st.lists(st.text(characters, max_size=12).map("x".__add__), max_size=3, unique=True)
moments = st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds"))
# As many digits as Insightly sends (spec: 19 characters).
numbers = st.integers(-(10**15), 10**15) | st.decimals(Decimal(-(10**9)), Decimal(10**9), places=4)


def values_for(field: Field) -> st.SearchStrategy[Any]:
    """Values that a field takes, empty ones among them unless it needs one."""
    if field.kind == "choices":
        return st.lists(st.sampled_from(field.options), unique=True).map(";".join)
    if field.options:
        return st.sampled_from(["", None, *field.options])
    longest = min(field.max_length or 12, 12)
    of_kind: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(characters, min_size=field.is_required, max_size=longest),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "number": numbers,
        "boolean": st.booleans(),
        "date": st.dates().map(str),
        "date-time": moments,
        "array": tags,
    }
    made = of_kind[field.kind]
    return made if field.is_required else made | st.none()


def values_of(fields: Fields, *left_out: str) -> st.SearchStrategy[dict[str, Any]]:
    """Values by name for all required and some other fields of an object.

    What has the id of something else is left out, and so are arrays other than tags.
    """
    chosen = {
        field.name: values_for(field)
        for field in fields
        if field.is_writable
        and not field.name.endswith("_ID")
        and not (field.is_custom and field.kind == "integer")
        and field.name not in left_out
        and (field.kind != "array" or field.name == "TAGS")
    }
    required = {name: chosen.pop(name) for name in fields.obj.required}
    some = st.lists(st.sampled_from(sorted(chosen)), max_size=8, unique=True)
    return some.flatmap(
        lambda names: st.fixed_dictionaries(required | {name: chosen[name] for name in names})
    )
