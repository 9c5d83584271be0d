"""What is found instead of made: the settings of an account, by name, and what was made already."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_insightly.api import Request, UnknownOutcomeError
from tap_insightly.loader.copying.references import NAMES, references_of
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.loader.copying.id_map import IdMap


LONGEST_UNDER_WAY = 3.0  # seconds after which a request of a process that is gone was answered
# A search may need longer to show what it made: `InsightlyClient.search_lag_seconds`.


class Named:
    """Finds the records of settings by their names."""

    def __init__(self, ids: IdMap) -> None:
        """Get ready; nothing is read yet.

        Args:
            ids: What is known of ids.
        """
        self._ids = ids
        self._by_name: dict[str, dict[tuple[str, ...], list[int]]] = {}
        self._given: defaultdict[str, set[int]] = defaultdict(set)
        self._lock = threading.Lock()

    def find(
        self, client: InsightlyClient, obj: InsightlyObject, record: Mapping[str, Any]
    ) -> int | None:
        """Find the record here that is called like one there.

        Args:
            client: The account.
            obj: The object.
            record: The record there, by field name.

        Returns:
            Its id here; None if there is none that is not another's already.
        """
        translated = {}
        for name in NAMES[obj.path]:
            value = record.get(name)
            path = references_of(obj.component).get(name)
            if path is not None:
                known = self._ids.find(path, int(value)) if value is not None else None
                if known is None or known[0] is None:
                    return None
                value = known[0]
            translated[name] = value
        with self._lock:
            if obj.path not in self._by_name:
                self._by_name[obj.path] = _read(client, obj)
            taken = self._ids.targets(obj.path) | self._given[obj.path]
            called = self._by_name[obj.path].get(_name(obj, translated), ())
            found = next((one for one in called if one not in taken), None)
            if found is not None:
                self._given[obj.path].add(found)  # until the file says so
            return found


def settle(client: InsightlyClient, ids: IdMap) -> None:
    """Find out whether what was about to be made, when a run was cut off, is there.

    Args:
        client: The account.
        ids: What is known of ids.

    Raises:
        InsightlyError: If that cannot be found out.
    """
    intents = ids.intents()
    if not intents:
        return
    client.objects()  # so that the time is known
    since = max(moment for *_, moment in intents)
    now = client.session.now()
    if now is not None:
        age = (now - parse_moment(since)).total_seconds()
        wait = max(LONGEST_UNDER_WAY, client.search_lag_seconds)
        client.session.sleep(max(0.0, wait - age))
    by_path: defaultdict[str, list[tuple[int, Request, datetime]]] = defaultdict(list)
    for path, source, request, body, moment in intents:
        sent = Request.with_json("POST", request, body)
        by_path[path].append((source, sent, parse_moment(moment)))
    for path, asked in by_path.items():
        fields = client.fields(path[1:])
        made: Sequence[Mapping[str, Any] | UnknownOutcomeError | None] = [None] * len(asked)
        if "search" in fields.obj.can:  # of settings, what is there is found by name
            requests = [(sent, moment) for _, sent, moment in asked]
            made = client.find_created(requests, fields, ids.targets(path))
        for (source, *_), found in zip(asked, made, strict=True):
            if found is None:
                ids.forget_intent(path, source)
            elif not isinstance(found, UnknownOutcomeError):
                ids.put(path, source, int(found[str(fields.obj.key)]))
        doubt = next((one for one in made if isinstance(one, UnknownOutcomeError)), None)
        if doubt is not None:
            raise doubt


def _name(obj: InsightlyObject, record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(record.get(name) or "").strip().casefold() for name in NAMES[obj.path])


def _read(client: InsightlyClient, obj: InsightlyObject) -> dict[tuple[str, ...], list[int]]:
    # Converted statuses are left out unless they are asked for (spec).
    params = {"include_converted": "true"} if obj.path == "/LeadStatuses" else {}
    found: dict[tuple[str, ...], list[int]] = {}
    for record in client.records(obj.name, params=params):
        found.setdefault(_name(obj, record), []).append(int(record[str(obj.key)]))
    return found
