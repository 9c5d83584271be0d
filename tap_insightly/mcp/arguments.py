"""What tools are given: their descriptions are what an assistant reads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tap_insightly.api.http.codec import encode
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.mcp.limits import CallError

ObjectName = Annotated[
    str,
    Meta(
        description="The object in any spelling: contact, Opportunities, quote, Fruit__c.",
        min_length=1,
        max_length=100,
    ),
]
Id = Annotated[int, Meta(description="The id of the record.", ge=1, le=2**53)]
Scalar = str | int | float | bool
Where = Annotated[
    dict[str, Scalar],
    Meta(
        description="Only records with exactly these values, by field name, standard or custom. "
        "An empty text means no value. The first one is searched by Insightly, which is fast; the "
        "others are compared here.",
        max_length=10,
    ),
]
Moment = Annotated[
    str, Meta(description="Only what was updated after this moment: ISO 8601, UTC.", max_length=40)
]
FieldNames = Annotated[
    list[Annotated[str, Meta(max_length=200)]],
    Meta(description="Which fields to answer, by name.", max_length=50),
]


class _Arguments(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Arguments of a tool; others than these are refused, as they would change what it does."""


class DescribeArguments(_Arguments):
    """Which fields to describe."""

    object: ObjectName | UnsetType = UNSET
    match: Annotated[
        str, Meta(description="Only fields with this in their name or label.", max_length=100)
    ] = ""


class SearchArguments(_Arguments):
    """Which records are meant."""

    object: ObjectName
    where: Where = {}
    contains: Annotated[
        dict[str, Annotated[str, Meta(min_length=1, max_length=200)]],
        Meta(
            description="Only records whose fields contain these texts, in any case. Insightly "
            "cannot search so: records are read and compared here, 500 a request.",
            max_length=5,
        ),
    ] = {}
    updated_after: Moment | UnsetType = UNSET

    def query(self) -> dict[str, Any]:
        """What is searched for, without how much of it is to be answered."""
        moment = None if self.updated_after is UNSET else self.updated_after
        return {"object": self.object, "where": self.where, "since": moment}


class FindArguments(SearchArguments):
    """What to find."""

    newest_first: Annotated[
        bool, Meta(description="Begin with the records created last, instead of the oldest.")
    ] = False
    fields: FieldNames = []
    limit: Annotated[int, Meta(description="The most records to answer.", ge=1, le=100)] = 20
    cursor: Annotated[
        str,
        Meta(
            description="next_cursor of the answer before, with the same other arguments.",
            max_length=200,
        ),
    ] = ""


class ReadArguments(_Arguments):
    """What to read."""

    object: ObjectName
    id: Id
    fields: FieldNames = []
    start: Annotated[
        int, Meta(description="Begin long texts at this character, to read on.", ge=0)
    ] = 0


class LinksArguments(_Arguments):
    """Of which record to tell the links."""

    object: ObjectName
    id: Id


class CountArguments(SearchArguments):
    """What to count."""

    group_by: Annotated[
        str, Meta(description="Count by the values of this field.", max_length=200)
    ] = ""
    sum: Annotated[str, Meta(description="Also add up this field, a number.", max_length=200)] = ""
    period: Annotated[
        Literal["day", "month", "quarter", "year"],
        Meta(description="Of which length groups are, if group_by is a date."),
    ] = "month"


class CheckArguments(_Arguments):
    """What to check."""

    objects: Annotated[
        bool,
        Meta(
            description="Also ask each object whether it can be read, and how many records it "
            "has: a request for each, some fifty."
        ),
    ] = False


class PlanArguments(_Arguments):
    """Nothing: the plan is that of a whole first sync."""


class Change(_Arguments):
    """One change."""

    action: Annotated[
        Literal["create", "update", "link", "undo"],
        Meta(
            description="create and update take object and values; update and link take id; link "
            "takes to_object and to_id; undo takes written, and nothing else."
        ),
    ]
    object: ObjectName | UnsetType = UNSET
    id: Id | UnsetType = UNSET
    values: Annotated[
        dict[str, Any],
        Meta(
            description="Values by field name; null clears a field. A new Note takes PARENT_TYPE "
            "and PARENT_ID. An update takes STAGE_ID as the id or the name of a stage."
        ),
    ] = {}
    to_object: ObjectName | UnsetType = UNSET
    to_id: Id | UnsetType = UNSET
    written: Annotated[
        str, Meta(description="What confirm_changes answered as written.", max_length=60)
    ] = ""


Changes = Annotated[list[Change], Meta(min_length=1, max_length=1000)]


class PreviewArguments(_Arguments):
    """What would be written."""

    changes: Changes


class ConfirmArguments(_Arguments):
    """What is to be written, and the preview of it that the user has seen."""

    token: Annotated[str, Meta(description="The token of the preview.", max_length=100)]
    changes: Annotated[
        Changes, Meta(description="The same changes once more, exactly as previewed.")
    ]


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Write the JSON Schema of arguments, as a tool has it: an object at its root."""
    (root,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    schema = dict(parts.pop(str(root["$ref"]).rpartition("/")[2]))
    for unused in ("title", "description"):
        schema.pop(unused, None)
    return {**schema, **({"$defs": parts} if parts else {})}


def read_arguments(tool: str, kind: type[msgspec.Struct], given: dict[str, Any]) -> Any:  # noqa: ANN401 - an instance of kind
    """Make of what was given the arguments of a tool, or say what is wrong with them."""
    try:
        return msgspec.json.decode(encode(given), type=kind)
    except msgspec.ValidationError as error:
        names = [one.name for one in msgspec.structs.fields(kind)]
        text = str(error).replace(" - at `$.", ": see `")
        unknown = [name for name in given if name not in names]
        near = [one for name in unknown for one in close_names(name, names)]
        msg = f"{tool}: {text.rstrip('.')}.{did_you_mean(near)} It takes {', '.join(names)}."
        raise CallError(msg) from None
    except (TypeError, ValueError, OverflowError):
        msg = f"{tool}: these arguments are no JSON that can be written."
        raise CallError(msg) from None
