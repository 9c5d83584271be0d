"""What is assumed, and cannot be asked of an account: each with the reason."""

from __future__ import annotations

from tap_insightly.probe.verdict import Assumption

_ONE_CONTACT = "That takes more than the one contact that a probe makes."
_AN_OPPORTUNITY = "That takes an opportunity; a probe makes a contact only."
_REFUSALS = "That takes breaking the limits of the account."
_CHANCE = "That shows only where it happens."

ASSUMPTIONS = (
    Assumption(
        "basic-auth",
        "The key is the name of HTTP Basic, and the password is empty.",
        said_in=("api/http/auth.py",),
        why_not="Whatever is answered shows it; another way is not tried with a key.",
    ),
    Assumption(
        "wrong-key-401",
        "A wrong key is answered 401.",
        relied_on=("api/http/status_errors.py",),
        why_not="No wrong key is sent to anybody.",
    ),
    Assumption(
        "web-address",
        "The page of any record is at crm.POD.insightly.com/details/OBJECT/ID.",
        said_in=("cli/web.py", "docs/cli.md"),
        why_not="That is a page to sign in to, and no part of the API.",
    ),
    Assumption(
        "quota-midnight",
        "The day of the quota begins at midnight UTC.",
        said_in=("docs/assumptions.md",),
        relied_on=("api/http/quota.py",),
        why_not="That takes being there at midnight.",
    ),
    Assumption(
        "quota-number",
        "An Enterprise account has 100,000 requests a day.",
        said_in=("sandbox/account/faults.py",),
        why_not="Each account has its own; insightly check tells it.",
    ),
    Assumption(
        "few-at-once",
        "Some accounts refuse five requests under way at once.",
        said_in=("api/http/rate_limit.py",),
        why_not=_REFUSALS,
    ),
    Assumption(
        "undone",
        "What is answered 425 or 429 was not done; what is answered 408 may have been.",
        relied_on=("api/http/status_errors.py",),
        why_not=_REFUSALS,
    ),
    Assumption(
        "second-of-bookmark",
        "A record that was updated in the very second of a bookmark was part of that sync.",
        said_in=("docs/verify.md",),
        why_not="It is about the second in which a sync began.",
    ),
    Assumption(
        "half-characters",
        "A text that was cut to length may end in half a character.",
        said_in=("api/http/json_repair.py",),
        why_not=_CHANCE,
    ),
    Assumption(
        "restored-moves-date",
        "A record that is restored from the recycle bin may keep the date of its last update.",
        said_in=("sandbox/account/account.py", "docs/assumptions.md"),
        relied_on=("sync/deletions.py",),
        why_not="The API has no way to restore a record.",
    ),
    Assumption(
        "stage-moves-date",
        "A new stage counts as an update of its record.",
        relied_on=("sandbox/handlers/moves.py",),
        why_not=_AN_OPPORTUNITY,
    ),
    Assumption(
        "stage-first",
        "What is put into a pipeline without a stage is at the first.",
        said_in=("sandbox/handlers/moves.py",),
        why_not=_AN_OPPORTUNITY,
    ),
    Assumption(
        "stage-into-pipeline",
        "A record in no pipeline can be put into the one of the stage that it is to be at.",
        said_in=("docs/cli.md",),
        relied_on=("api/records/stages.py",),
        why_not=_AN_OPPORTUNITY,
    ),
    Assumption(
        "history-by-itself",
        "The state history goes on by itself if the state is another.",
        said_in=("sandbox/handlers/moves.py",),
        why_not=_AN_OPPORTUNITY,
    ),
    Assumption(
        "history-in-order",
        "The state history comes in the order of its dates.",
        said_in=("openapi/insightly.json",),
        relied_on=("streams/details.py",),
        why_not="All requests are spent on what more depends on.",
    ),
    Assumption(
        "list-membership-twice",
        "To be put on a marketing list twice changes nothing.",
        said_in=("sandbox/handlers/moves.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "follow-no-update",
        "To follow a record does not update it.",
        said_in=("sandbox/handlers/moves.py",),
        why_not="It would make the user of the key follow something.",
    ),
    Assumption(
        "calculated-read-only",
        "Calculated custom fields cannot be written.",
        said_in=("api/records/fields.py",),
        why_not="A probe writes to no field that the account has defined.",
    ),
    Assumption(
        "stamps-read-only",
        "Insightly sets the dates of a record and its maker itself, also where it does not say so.",
        said_in=("api/records/fields.py", "sandbox/handlers/operations.py"),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "set-once",
        "Fields that a record cannot do without are taken for a new one, read-only or not.",
        said_in=("openapi/objects.py", "openapi/insightly-write.json"),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "below-lists-all",
        "What is added below a record may be answered with all that is there, the new one last.",
        said_in=("api/records/create_once.py", "sandbox/handlers/below.py"),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "quote-document-file",
        "The document of a quote is a file of the deal.",
        said_in=("openapi/insightly.json", "sandbox/data/children.py"),
        why_not=_CHANCE,
    ),
    Assumption(
        "custom-object-files",
        "Files of records of custom objects look like all others.",
        said_in=("openapi/insightly.json",),
        why_not="That takes a custom object with files.",
    ),
    Assumption(
        "file-urls",
        "The address of a file is for files that are stored elsewhere.",
        said_in=("openapi/insightly.json",),
        why_not=_CHANCE,
    ),
    Assumption(
        "file-elsewhere",
        "The content of a file that is stored elsewhere is answered 404, or anything else.",
        said_in=("docs/files.md", "sandbox/handlers/attached.py"),
        why_not=_CHANCE,
    ),
    Assumption(
        "file-on-one",
        "A file can be on more than one record.",
        said_in=("streams/details.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "entries-replaced",
        "Dates and email domains that are sent replace those that are there; known ids are kept.",
        said_in=("sandbox/handlers/arrays.py",),
        why_not="A contact has no email domains, and its dates mean nothing to a probe.",
    ),
    Assumption(
        "custom-without-value",
        "A custom field that is sent without a value stays as it is.",
        said_in=("sandbox/handlers/arrays.py",),
        why_not="A probe writes to no field that the account has defined.",
    ),
    Assumption(
        "custom-dependencies",
        "What another custom field rules out is not looked at.",
        said_in=("sandbox/handlers/arrays.py",),
        why_not="A probe writes to no field that the account has defined.",
    ),
    Assumption(
        "lookups-are-ids",
        "Lookups hold the id of a record that there is.",
        said_in=("sandbox/handlers/arrays.py",),
        why_not="A probe writes to no field that the account has defined.",
    ),
    Assumption(
        "dates-in-bodies",
        "Dates are written like 2026-04-09 16:58:14, and perhaps in no other way.",
        said_in=("sandbox/handlers/checking.py",),
        why_not="Only this way is used, so no other is tried.",
    ),
    Assumption(
        "required-by-default",
        "A new record that lacks a flag, a number, a status or its owner is given a usual one.",
        said_in=("sandbox/handlers/defaults.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "required-in-arrays",
        "What a new record has to have, an entry of an array has to have, too.",
        said_in=("sandbox/handlers/operations.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "team-visibility",
        "A record that a team may see names the team in VISIBLE_TEAM_ID.",
        said_in=("sandbox/data/maker.py",),
        why_not="Nothing relies on it but made-up data.",
    ),
    Assumption(
        "derived",
        "Totals follow from line items, and the members that a team shows from TeamMembers.",
        said_in=("sandbox/handlers/derived.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "links-one-sided",
        "A link is carried by one of the two records.",
        said_in=("sandbox/handlers/parts.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "link-twice",
        "A link that is added a second time is there twice.",
        said_in=("sandbox/handlers/parts.py", "sandbox/handlers/parts.py"),
        relied_on=("api/records/create_once.py",),
        why_not="The code looks first whether there is one.",
    ),
    Assumption(
        "linkable",
        "What carries links can be linked to, and so can records of custom objects.",
        said_in=("sandbox/handlers/parts.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "parent-in-address",
        "To which record something belongs is told by the address, not by the body.",
        said_in=("sandbox/handlers/parts.py",),
        why_not=_ONE_CONTACT,
    ),
    Assumption(
        "converted-statuses",
        "A lead status of STATUS_TYPE 3 is one of converted leads.",
        said_in=("sandbox/account/account.py",),
        why_not="Nothing relies on it but made-up data.",
    ),
    Assumption(
        "etag-fields",
        "Some records carry ETag as a field, too.",
        said_in=("sandbox/account/table.py",),
        why_not="It is described; where it is, it is read.",
    ),
    Assumption(
        "own-user",
        "What a key makes is made and owned by its user.",
        said_in=("sandbox/handlers/writing.py",),
        why_not="Nothing relies on it but made-up data.",
    ),
    Assumption(
        "id-in-address",
        "An id in the address of a change is that in its body.",
        said_in=("sandbox/handlers/writing.py",),
        why_not="Both are never sent.",
    ),
    Assumption(
        "described-elsewhere",
        "What else is not known of writing is said in the description of the API.",
        said_in=("docs/target.md",),
        why_not="Each has an entry of its own.",
    ),
)
