"""Files that are attached to records, read by their own address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.records import encode
from tap_insightly.sandbox.handlers.large import Content
from tap_insightly.sandbox.handlers.replies import Refusal, Reply

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.handlers.replies import Call

PATH, NAME = "/FileAttachments", "FileAttachments"


def answer(account: Account, call: Call) -> Reply:
    """Answer a request for one file, or refuse it."""
    if len(call.rest) != 1:
        raise Refusal(405, "Files are read one by one.")
    path, parent_id, file = _find(account, call.key)
    if call.method == "DELETE":
        kind = account.below.kind(path, NAME)
        account.below.remove(path, parent_id, kind, file["FILE_ID"])
        return Reply(202)
    if call.method != "GET":
        raise Refusal(405, "This cannot be done with a file.")
    if call.query.get("format", "").lower() == "json":
        return Reply(200, encode(file))
    if file["FILE_SIZE"] is None:  # it is stored elsewhere; what is answered then is not known
        raise Refusal(404, "File Not Found")
    kind_of = file["CONTENT_TYPE"] or "application/octet-stream"
    return Reply(200, content_of(file), {"Content-Type": kind_of})


def content_of(file: Record) -> Content:
    """Make up what a file holds; files of one name and size hold the same."""
    return Content(f"{file['FILE_NAME']}/{file['FILE_SIZE']}".encode(), file["FILE_SIZE"])


def _find(account: Account, file_id: int | None) -> tuple[str, int, Record]:
    for path in account.tables:
        try:
            kind = account.below.kind(path, NAME)
        except KeyError:
            continue
        for parent_id, files in account.below.of(path, kind).items():
            for file in files:
                if file["FILE_ID"] == file_id:
                    return path, parent_id, file
    raise Refusal(404, "File Not Found")
