"""What a run that was cut off was about to create: finds out whether it did."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_insightly.api import Request, UnknownOutcomeError
from tap_insightly.undo_file.clock import ORPHANED_REQUEST_SECONDS
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.copying.id_map import IdMap, Intent


def resolve_intents(client: InsightlyClient, id_map: IdMap) -> None:
    """Fulfil or remove all intents; an `UnknownOutcomeError` if nobody can tell."""
    intents = id_map.intents()
    if not intents:
        return
    client.objects()  # so that the server's time is known
    now = client.session.now()
    if now is not None:
        last = max(parse_moment(intent.since) for intent in intents)
        wait = max(ORPHANED_REQUEST_SECONDS, client.search_lag_seconds)
        client.session.sleep(max(0.0, wait - (now - last).total_seconds()))
    by_path: defaultdict[str, list[Intent]] = defaultdict(list)
    for intent in intents:
        by_path[intent.path].append(intent)
    for path, own in by_path.items():
        fields = client.fields(path[1:])
        created: Sequence[Mapping[str, Any] | UnknownOutcomeError | None] = [None] * len(own)
        if "search" in fields.obj.can:  # others are settings, which are found by name
            requests = [
                (
                    Request.with_json("POST", intent.request_path, intent.body),
                    parse_moment(intent.since),
                )
                for intent in own
            ]
            created = client.find_created(requests, fields, id_map.targets(path))
        for intent, found in zip(own, created, strict=True):
            if found is None:
                id_map.remove_intent(path, intent.source_id)
            elif not isinstance(found, UnknownOutcomeError):
                id_map.put(path, intent.source_id, int(found[str(fields.obj.key)]))
        unknown = next((one for one in created if isinstance(one, UnknownOutcomeError)), None)
        if unknown is not None:
            raise unknown
