"""Which handler a request goes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_insightly.sandbox.handlers import attached, parts
from tap_insightly.sandbox.handlers.access import Access
from tap_insightly.sandbox.handlers.automatic import Automations
from tap_insightly.sandbox.handlers.reading import Reader, other_forms
from tap_insightly.sandbox.handlers.replies import Refusal
from tap_insightly.sandbox.handlers.writing import Writer

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.handlers.replies import Call, Reply


class Router:
    """Answers requests to an account, one at a time. Whoever uses it holds the account's lock."""

    def __init__(self, account: Account) -> None:
        """Begin with no workflow under way."""
        self._account = account
        self._automations = Automations(account)

    def catch_up(self) -> None:
        """Do what workflows were to do by now."""
        self._automations.catch_up()

    def answer(self, call: Call, faults: Faults) -> Reply:
        """Do what a request wants, or refuse, by the faults that hold for it."""
        reader, name = Reader(self._account, faults), call.path[1:]
        if name.lower() == "customfields" and len(call.rest) == 1 and call.method == "GET":
            return reader.custom_fields(call.rest[0])
        access = Access(self._account, faults)
        if call.path.lower() == attached.PATH.lower():
            access.check(attached.PATH, call.method)
            return attached.answer(self._account, call)
        call = replace(call, path=self._path(name))
        access.check(call.path, call.method)
        writer = Writer(self._account, faults, self._automations)
        if len(call.rest) > 1:
            return self._below(call, reader, writer)
        if call.method == "GET":
            return reader.read(call)
        return writer.write(call)

    def _path(self, name: str) -> str:
        path = self._account.path_of(name)
        if path is None:
            if any(self._account.path_of(other) for other in other_forms(name)):
                raise Refusal(405, f"{name} is not the name of this object.")  # seen live
            raise Refusal(404, f"There is no object {name}.")
        return path

    @staticmethod
    def _below(call: Call, reader: Reader, writer: Writer) -> Reply:
        place = parts.place_of(call)
        if place is not None and ("GET" in place.operations or call.method != "GET"):
            return parts.answer(writer, call, place)
        kind = reader.kind_below(call)
        if kind is None:
            status = 404 if place is None else 405
            raise Refusal(status, f"{call.path} has no {'/'.join(call.rest[1:])}.")
        writer.access.check(kind.path_below(call.path), call.method)
        if call.method != "GET":
            raise Refusal(405, "This can only be read here.")
        return reader.children(call, kind)
