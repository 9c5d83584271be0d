"""The sandbox as an ASGI application: one request in, one answer out."""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
import socket
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tap_insightly.sandbox.plans import LEFT_OUT
from tap_insightly.sandbox.store import timestamp
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from tap_insightly.sandbox.server import Sandbox
    from tap_insightly.sandbox.store import Record, Table

PAGE_SIZE = 100  # docs
LARGEST_PAGE = 500  # docs; what a larger top does is not known, it is taken as 500 here
RECORD_TYPES = frozenset(
    {"contacts", "leads", "opportunities", "organisations", "projects", "emails"}
)

_CACHED_PAGES = 64

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass
class RequestLog:
    """One request that the sandbox received."""

    method: str
    path: str
    query: dict[str, str]
    status: int = 0


@dataclass
class Reply:
    """An answer, before it is compressed and sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cache_key: tuple[object, ...] | None = None


class Refusal(Exception):  # noqa: N818 - an answer like any other, not an error of ours
    """Ends the handling of a request with a status."""

    def __init__(self, status: int, message: str) -> None:
        """Say why.

        Args:
            status: The HTTP status.
            message: What is wrong, text.
        """
        super().__init__(message)
        self.reply = Reply(status, _encode({"Message": message}))


class App:
    """Answers as Insightly is known to."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Serve a sandbox.

        Args:
            sandbox: Where the data, the faults and the clock are.
        """
        self._sandbox = sandbox
        token = base64.b64encode(f"{sandbox.api_key}:".encode()).decode()
        self._authorization = f"Basic {token}"
        self._compressed: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Args:
            scope: As ASGI has it.
            receive: As ASGI has it.
            send: As ASGI has it.
        """
        if scope["type"] != "http":
            return
        sandbox, faults = self._sandbox, self._sandbox.faults
        request = Request(scope, receive)
        log = RequestLog(request.method, request.url.path, dict(request.query_params))
        if sandbox.on_request is not None:
            sandbox.on_request(log)
            faults = sandbox.faults  # the test may have changed them just now
        sandbox.requests.append(log)
        faults.in_flight += 1
        try:
            fault = faults.next_fault(sandbox.rng)
            await asyncio.sleep(faults.latency + (faults.hang_seconds if fault == "hang" else 0))
            if fault == "reset":
                _reset(send)
                return
            reply = self._reply(request, await request.body(), fault)
            log.status = reply.status
            await self._send(reply, request, scope, receive, send, is_cut=fault == "truncate")
        finally:
            faults.in_flight -= 1

    def _reply(self, request: Request, body: bytes, fault: str) -> Reply:
        faults = self._sandbox.faults
        if request.headers.get("Authorization") != self._authorization:
            return Refusal(401, "The API key is not valid.").reply
        is_over = faults.used >= faults.daily_quota
        faults.used += not is_over
        if is_over or fault.isdigit():
            reply = Refusal(429 if is_over else int(fault), "Try again later.").reply
            reply.body = reply.body if faults.body is None else faults.body
            if faults.retry_after is not None and not is_over:
                reply.headers["Retry-After"] = f"{faults.retry_after:g}"
            if faults.location is not None:
                reply.headers["Location"] = faults.location
        elif fault == "html":
            reply = Reply(200, b"<html><body>Back soon</body></html>")
            reply.headers["Content-Type"] = "text/html"
        elif faults.body is not None:
            reply = Reply(200, faults.body)
        else:
            try:
                with self._sandbox.lock:
                    reply = self._route(request, body)
            except Refusal as refusal:
                reply = refusal.reply
        reply.headers["X-RateLimit-Limit"] = str(faults.daily_quota)
        reply.headers["X-RateLimit-Remaining"] = str(faults.daily_quota - faults.used)
        return reply

    async def _send(
        self,
        reply: Reply,
        request: Request,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        is_cut: bool,
    ) -> None:
        body = reply.body
        headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
        if not self._sandbox.faults.no_date_header:
            headers["Date"] = format_datetime(self._sandbox.clock(), usegmt=True)
        if "gzip" in request.headers.get("Accept-Encoding", "") and len(body) > 1000:  # noqa: PLR2004
            body = self._gzip(body, reply.cache_key)
            headers["Content-Encoding"] = "gzip"
        if is_cut:
            headers["Content-Length"] = str(len(body) + 1)
        await Response(body, reply.status, headers)(scope, receive, send)

    def _gzip(self, body: bytes, key: tuple[object, ...] | None) -> bytes:
        if key is None:
            return gzip.compress(body, 1)
        if key not in self._compressed:
            self._compressed[key] = gzip.compress(body, 1)
            if len(self._compressed) > _CACHED_PAGES:
                self._compressed.popitem(last=False)
        return self._compressed[key]

    def _route(self, request: Request, body: bytes) -> Reply:
        # Paths are not case-sensitive (seen live).
        parts = request.url.path.strip("/").split("/")
        if len(parts) not in {2, 3, 4} or parts[0].lower() != "v3.1":
            raise Refusal(404, "There is nothing here.")
        name, rest = parts[1], parts[2].lower() if len(parts) > 2 else None  # noqa: PLR2004
        is_child = len(parts) == 4  # noqa: PLR2004 - /v3.1/{object}/{id}/{what is below it}
        if name.lower() == "customfields" and rest and not is_child:
            return Reply(200, _encode(self._custom_fields(rest)))
        path = self._path(name)
        if is_child:
            return self._children(request, path, parts[2], parts[3])
        if request.method == "GET":
            return self._read(path, rest, request.query_params)
        return self._write(request, path, rest, body)

    def _path(self, name: str) -> str:
        sandbox = self._sandbox
        path = sandbox.path_of(name)
        if path is None:
            if any(sandbox.path_of(other) for other in _other_forms(name)):
                raise Refusal(405, f"{name} is not the name of this object.")  # seen live
            raise Refusal(404, f"There is no object {name}.")
        self._check_faults(path)
        if status := LEFT_OUT[sandbox.plan].get(path):
            raise Refusal(status, "User doesn't have access.")
        return path

    def _check_faults(self, path: str) -> None:
        faults = self._sandbox.faults
        refused = ((403, faults.forbidden), (404, faults.missing), (405, faults.not_allowed))
        for code, paths in refused:
            if path in paths:
                raise Refusal(code, f"{path} cannot be read.")

    def _children(self, request: Request, path: str, parent: str, name: str) -> Reply:
        below, query = self._sandbox.below, request.query_params
        try:
            kind = below.kind(path, name)
        except KeyError:
            raise Refusal(404, f"{path} has no {name}.") from None
        self._check_faults(kind.path_below(path))
        if request.method != "GET":
            raise Refusal(405, "What is below a record can only be read here.")
        if not parent.isdecimal() or self._sandbox.tables[path].find(int(parent)) is None:
            raise Refusal(404, "There is no such record.")
        rows = below.of(path, kind).get(int(parent), [])
        if not kind.is_paged:
            return Reply(kind.status, _encode(rows))
        since, _ = _conditions(query)
        if since is not None:
            # Strictly after, for the reason that searches have.
            rows = [row for row in rows if (row[str(kind.updated)] or "") > since]
        reply = Reply(kind.status, _encode(rows[_window(query)]))
        if query.get("count_total", "").lower() == "true":
            reply.headers["X-Total-Count"] = str(len(rows))
        return reply

    def _custom_fields(self, name: str) -> list[Record]:
        fields = self._sandbox.custom_fields
        for path in fields:
            if {path[1:].lower(), fields[path].singular.lower()} & {name, *_other_forms(name)}:
                return fields[path].definitions
        # An object that cannot have any, or is not known: every field there is (seen live).
        return [one for own in fields.values() for one in own.definitions]

    def _read(self, path: str, rest: str | None, query: Mapping[str, str]) -> Reply:
        table = self._sandbox.tables[path]
        if path in {"/Instance", "/Permissions"}:
            return Reply(200, _encode(table.rows[0]))
        if rest is None:
            return self._list(path, table, query, range(len(table.rows)))
        if rest == "search" and table.updated:
            return self._list(path, table, query, table.matches(*_conditions(query)))
        if rest == "me" and path == "/Users":
            return Reply(200, _encode(table.rows[0]))
        if rest.isdigit() and table.has_id and (record := table.find(int(rest))) is not None:
            return self._one(200, path, record)
        raise Refusal(404, "There is no such record.")

    def _one(self, status: int, path: str, record: Record) -> Reply:
        return Reply(status, _encode(record), {"ETag": self._sandbox.etag(path, record)})

    def _list(self, path: str, table: Table, query: Mapping[str, str], places: Any) -> Reply:  # noqa: ANN401 - a range or a list
        if path in {"/Countries", "/Currencies", "/CustomObjects"}:
            return Reply(200, _encode(table.rows))
        if path == "/Tags":
            places = self._tags(table, query)
        if path == "/LeadStatuses" and query.get("include_converted", "").lower() != "true":
            places = [at for at in places if not self._sandbox.is_converted(table.rows[at])]
        is_brief = query.get("brief", "").lower() == "true"
        rows = [table.encoded(at, is_brief=is_brief) for at in places[_window(query)]]
        key = (path, table.version, tuple(sorted(query.items())))
        reply = Reply(200, b"[" + b",".join(self._public(path, rows)) + b"]", {}, key)
        if query.get("count_total", "").lower() == "true":
            reply.headers["X-Total-Count"] = str(len(places))
        return reply

    @staticmethod
    def _public(path: str, rows: list[bytes]) -> list[bytes]:
        if path != "/Tags":
            return rows
        # A tag's kind of record is how the sandbox files it, not a field of the API.
        return [_encode({"TAG_NAME": msgspec.json.decode(row)["TAG_NAME"]}) for row in rows]

    @staticmethod
    def _tags(table: Table, query: Mapping[str, str]) -> list[int]:
        kind = query.get("record_type", "").lower()
        if kind not in RECORD_TYPES:
            raise Refusal(400, "record_type is missing or not known.")
        return [at for at, row in enumerate(table.rows) if row["RECORD_TYPE"] == kind]

    def _write(self, request: Request, path: str, rest: str | None, body: bytes) -> Reply:
        sandbox, method = self._sandbox, request.method
        table = sandbox.tables[path]
        in_path = int(rest) if rest and rest.isdigit() else None
        if not table.has_id:
            raise Refusal(405, "This object cannot be written.")
        if method == "DELETE" and in_path is not None:
            if not sandbox.delete(path, in_path):
                raise Refusal(404, "There is no such record.")
            return Reply(202)
        if (method, rest) != ("POST", None) and (method != "PUT" or (rest and in_path is None)):
            raise Refusal(405, "This is not how this object is written.")
        given = _object(body)
        fields = {
            name: value
            for name, value in given.items()
            if name in table.fields and not table.fields[name].get("readOnly")
        }
        if method == "POST":
            return self._one(201, path, sandbox.create(path, **fields))
        key = in_path or given.get(table.keys[0])
        record = table.find(key) if isinstance(key, int) else None
        if record is None:
            raise Refusal(404, "There is no such record.")
        expected = request.headers.get("If-Match")
        if expected not in {None, "*", sandbox.etag(path, record)}:
            raise Refusal(400, "The record was changed by someone else.")  # not 412 (seen live)
        sandbox.update(path, record[table.keys[0]], **fields)
        return self._one(200, path, record)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise Refusal(400, "The body is not a JSON object.") from None


def _conditions(query: Mapping[str, str]) -> tuple[str | None, tuple[str, str] | None]:
    since = query.get("updated_after_utc")
    name, value = query.get("field_name"), query.get("field_value")
    if (name is None) != (value is None):
        raise Refusal(400, "field_name and field_value go together.")  # spec
    if since is not None:
        try:
            since = timestamp(parse_moment(since))
        except ValueError:
            raise Refusal(400, "updated_after_utc is not a date.") from None
    return since, None if name is None or value is None else (name, value)


def _window(query: Mapping[str, str]) -> slice:
    skip = _number(query, "skip", 0, 0)
    return slice(skip, skip + min(_number(query, "top", PAGE_SIZE, 1), LARGEST_PAGE))


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < least:
        raise Refusal(400, f"{name} is not a number from {least} up.")
    return int(text)


def _other_forms(name: str) -> set[str]:
    """Guess the singular of a plural and the other way round.

    Args:
        name: An object's name, text.

    Returns:
        Forms of it, in lower case.
    """
    low = name.lower()
    return {
        f"{low}s",
        low.removesuffix("s"),
        re.sub(r"y$", "ies", low),
        re.sub(r"ies$", "y", low),
        re.sub(r"es$", "", low),
    } - {low}


def _reset(send: Send) -> None:
    # ASGI has no word for it, so this reaches for uvicorn's connection; a fault that cannot be
    # played is loud rather than quiet.
    transport = send.__self__.transport  # type: ignore[attr-defined]
    connection = transport.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
