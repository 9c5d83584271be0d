"""What is assumed of records, their fields and their values."""

from __future__ import annotations

from tap_insightly.probe.verdict import Assumption

ASSUMPTIONS = (
    Assumption(
        "fields-known",
        "Our description of the API has every field of every record.",
        relied_on=("openapi/insightly.json", "conformer.py"),
    ),
    Assumption(
        "types-fit",
        "Every value is of the type that our description says.",
        relied_on=("openapi/insightly.json", "values.py"),
    ),
    Assumption(
        "keys-there",
        "The key of a record is there, and no other of its list has it.",
        relied_on=("openapi/insightly.json", "streams/base.py"),
    ),
    Assumption(
        "dates-spelled",
        "Dates are written like 2026-04-09 16:58:14.",
        said_in=("sandbox/account/moments.py", "values.py"),
    ),
    Assumption(
        "empty-dates",
        "Where there is no date, there is null, an empty text, or one of zeros.",
        said_in=("sandbox/data/maker.py", "values.py"),
    ),
    Assumption(
        "money-digits",
        "Amounts are numbers of at most 19 characters.",
        said_in=("api/records/conversions.py", "sandbox/handlers/checking.py"),
        relied_on=("api/http/response.py",),
    ),
    Assumption(
        "changes-without-date",
        "Last-activity dates and calculated fields may change, and the date of the update not.",
        said_in=("sync/refresh.py", "docs/incremental.md"),
    ),
    Assumption(
        "lengths-no-promise",
        "A text may be longer than what may be written of it.",
        said_in=("openapi/singer.py",),
    ),
    Assumption(
        "brief-leaves-out",
        "With brief=true, custom fields, tags, links and other nested data are left out.",
        relied_on=("sync/child_stream_sync.py", "sandbox/account/table.py"),
    ),
    Assumption(
        "brief-keeps-text",
        "With brief=true, nothing else is left out.",
        said_in=("docs/verify.md",),
        relied_on=("sync/child_stream_sync.py", "sandbox/account/table.py"),
    ),
    Assumption(
        "single-as-listed",
        "A record that is read alone has the fields that it has in its list.",
        relied_on=("api/records/reading.py",),
    ),
    Assumption(
        "links-named",
        "Links name objects in the singular: Contact, Fruit__c.",
        said_in=("streams/partition.py",),
    ),
    Assumption(
        "states-in-capitals",
        "The states of an opportunity are OPEN, WON, LOST, ABANDONED and SUSPENDED, in capitals.",
        said_in=("api/records/states.py", "docs/cli.md"),
    ),
    Assumption(
        "ticket-statuses",
        "Tickets that are done are SOLVED or CLOSED, in capitals.",
        said_in=("docs/models.md",),
    ),
    Assumption(
        "comments-whole",
        "Comments are answered with their text, their owner and their dates.",
        said_in=("openapi/insightly.json", "docs/assumptions.md"),
    ),
    Assumption(
        "custom-all",
        "Asked for the custom fields of an object that is none, the API answers those of all.",
        said_in=("api/records/definitions.py", "sandbox/handlers/reading.py"),
    ),
    Assumption(
        "custom-own",
        "Asked for the custom fields of an object that has some, the API answers those alone.",
        relied_on=("discovery.py",),
    ),
    Assumption(
        "custom-owners",
        "FIELD_FOR is the name of the object, but for case, underscores and a plural s.",
        said_in=("api/records/definitions.py", "sandbox/account/custom_fields.py"),
    ),
    Assumption(
        "custom-types",
        "The types of custom fields are those that are known, under these names.",
        said_in=(
            "openapi/field_types.py",
            "openapi/field_types.py",
            "sandbox/handlers/arrays.py",
            "sandbox/data/fields.py",
            "docs/assumptions.md",
            "docs/python.md",
        ),
    ),
    Assumption(
        "custom-names",
        "Names of custom fields end in __c, or are of the old kind, such as PROJECT_FIELD_3.",
        said_in=("sandbox/data/old.py",),
        relied_on=("custom_fields.py",),
    ),
    Assumption(
        "custom-entries",
        "CUSTOMFIELDS has a FIELD_NAME and a FIELD_VALUE each: a text, a number, yes or no, null.",
        relied_on=("conformer.py",),
    ),
    Assumption(
        "custom-field-ids",
        "CUSTOM_FIELD_ID is the same as FIELD_NAME.",
        said_in=("sandbox/account/account.py",),
    ),
    Assumption(
        "custom-values",
        "Values of custom fields are of the kind that their type says.",
        relied_on=("custom_fields.py",),
    ),
    Assumption(
        "choices-joined",
        "Several options are one text, joined by semicolons.",
        said_in=("sandbox/data/fields.py", "values.py"),
    ),
    Assumption(
        "custom-absent",
        "A custom field that its object has may be missing from a record.",
        said_in=("sandbox/data/maker.py", "sandbox/data/old.py"),
        relied_on=("conformer.py",),
    ),
    Assumption(
        "custom-objects-read",
        "Records of a custom object are at the path of its name, by RECORD_ID.",
        relied_on=("streams/custom.py",),
    ),
)
