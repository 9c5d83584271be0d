"""Custom fields that were made years ago, when their names had another form (seen live)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.moments import read_moment
from tap_insightly.sandbox.data.fields import OLD_FIELDS
from tap_insightly.sandbox.data.life import Life

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.maker import Maker


def fill(maker: Maker) -> None:
    """Define them, and give values to records that were made without them."""
    for path, fields in OLD_FIELDS.items():
        maker.define(path, fields)
        for row in maker.rows(path):
            # All or none: a record of another page layout has no place for them (seen live).
            if maker.chance(0.6):
                made = read_moment(row["DATE_CREATED_UTC"])
                values = maker.custom_values(path, Life(made, made, maker.rng), absent=0)
                row["CUSTOMFIELDS"] = [*values, *row["CUSTOMFIELDS"]]
