"""What is assumed of the webhooks that Insightly sends."""

from __future__ import annotations

from tap_insightly.probe.verdict import Assumption

_WORKFLOW = "That takes a workflow in the account, and a server that Insightly reaches."
_HABITS = "sandbox/account/webhook_habits.py"

ASSUMPTIONS = (
    Assumption(
        "webhook-attempts",
        "A webhook that is not answered 2xx is tried two more times, then it is dropped.",
        relied_on=(_HABITS,),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-retries",
        "A delivery of a webhook that failed is repeated within ten minutes, if at all.",
        said_in=("webhooks/writer.py",),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-object-name",
        "What a webhook delivers of a custom object's record names the object in OBJECT_NAME, or "
        "not at all.",
        relied_on=("webhooks/events.py",),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-pauses",
        "These attempts are some seconds apart.",
        said_in=(_HABITS,),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-timeout",
        "A webhook waits ten seconds for its answer.",
        said_in=(_HABITS,),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-order",
        "Webhooks come one after the other, in the order of the writes.",
        said_in=(_HABITS,),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-objects",
        "All objects whose records have an id and a date can have a workflow.",
        said_in=(_HABITS,),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-arrays",
        "Custom fields and other arrays are in a webhook as they are in the API.",
        said_in=(_HABITS,),
        why_not=_WORKFLOW,
    ),
    Assumption(
        "webhook-custom-objects",
        "The webhook of a custom object's record does not name the object.",
        said_in=("sandbox/webhooks/entity.py",),
        why_not=_WORKFLOW,
    ),
)
