"""``insightly api`` reaches any endpoint, and nothing but the address that is set."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.cli.conftest import first
from tests.cli.running import COMMAND, environment, run, run_as_process, start
from tests.conftest import ENCODED_KEY, KEY, new_sandbox, watch
from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@contextmanager
def recorded(answer: bytes = b"{}") -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A server that takes anything: its address, and the path, type and body of what came."""
    seen: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], body))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST  # noqa: N815 - as http.server has it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with running(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/v3.1", seen


@pytest.mark.parametrize("path", ["/Contacts/{}", "contacts/{}", "/Contacts/{}?brief=false"])
def test_the_answer_is_written_as_json(shared_sandbox: Sandbox, path: str) -> None:
    done = run(shared_sandbox, "api", "get", path.format(first(shared_sandbox)))
    assert done.code == 0
    assert done.json == json.loads(json.dumps(shared_sandbox.records("/Contacts")[0], default=str))
    assert len(done.lines) > 10, "it can be read"


def test_every_digit_of_a_number_is_kept() -> None:
    with new_sandbox(records=1).serve() as sandbox:
        sandbox.faults = Faults(body=b'[{"BID_AMOUNT": 1234567890123456.70}]')
        assert '"BID_AMOUNT": 1234567890123456.70' in run(sandbox, "api", "GET", "/Any").stdout


def test_fields_are_parameters_of_a_get(sandbox: Sandbox) -> None:
    done = run(sandbox, "api", "GET", "/Contacts?skip=1&brief=true", "-f", "top=2", "-j", "skip=3")
    wanted = sandbox.records("/Contacts")[3:5]
    assert [one["CONTACT_ID"] for one in done.json] == [one["CONTACT_ID"] for one in wanted]
    assert sandbox.requests[-1].query == {"top": "2", "skip": "3", "brief": "true"}


def test_fields_are_the_body_of_a_put(sandbox: Sandbox) -> None:
    given = ["-j", f"CONTACT_ID={first(sandbox)}", "-f", "TITLE=1.50", "-j", "EMAIL_OPTED_OUT=true"]
    done = run(sandbox, "api", "PUT", "/Contacts?x=y", *given, "--yes")
    assert done.code == 0
    log = sandbox.requests[-1]
    assert log.query == {"x": "y"}
    sent = {"CONTACT_ID": first(sandbox), "TITLE": "1.50", "EMAIL_OPTED_OUT": True}
    assert json.loads(log.body) == sent
    assert done.json["TITLE"] == sandbox.records("/Contacts")[0]["TITLE"] == "1.50"


@pytest.mark.parametrize("is_file", [True, False])
def test_a_json_body_is_sent_as_it_is(sandbox: Sandbox, tmp_path: Path, *, is_file: bool) -> None:
    body = b'{"FIRST_NAME": "Ada",\n "LAST_NAME": "Lovelace"}'
    (tmp_path / "new.json").write_bytes(body)
    file = str(tmp_path / "new.json") if is_file else "-"
    given = None if is_file else body
    done = run(sandbox, "api", "POST", "/Contacts", "-F", file, "-f", "a=b", "-y", input=given)
    assert done.code == 0
    assert done.json["LAST_NAME"] == "Lovelace"
    assert (sandbox.requests[-1].body, sandbox.requests[-1].query) == (body, {"a": "b"})


def test_a_delete_can_have_a_body(sandbox: Sandbox) -> None:
    path = f"/Contacts/{first(sandbox)}/Tags"
    run(sandbox, "api", "POST", path, "-f", "TAG_NAME=vip", "-y")
    assert "vip" in run(sandbox, "api", "GET", path).stdout
    done = run(sandbox, "api", "DELETE", path, "--file", "-", "-y", input='{"TAG_NAME": "vip"}')
    assert (done.code, done.stdout) == (0, "")
    assert "vip" not in run(sandbox, "api", "GET", path).stdout


def test_a_form_carries_files(tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_bytes(b"\x00\r\nof all")
    form = ["--form", f"file=@{tmp_path / 'plan.txt'}", "--form", "file_category_id=7"]
    with recorded(b'{"FILE_ID": 3}') as (url, seen):
        done = run(None, "api", "POST", "/Notes/1/FileAttachments", *form, "--yes", api_url=url)
    assert done.json == {"FILE_ID": 3}
    ((path, kind, body),) = seen
    assert path == "/v3.1/Notes/1/FileAttachments"
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    file, category = message.get_payload()
    assert file.get_filename() == "plan.txt"
    assert file.get_payload(decode=True) == b"\x00\r\nof all"
    assert category.get_payload() == "7"


def test_bytes_are_sent_as_they_are() -> None:
    image = b"\x89PNG\r\n\x1a\n\x00"
    with recorded() as (url, seen):
        args = ["PUT", "/Contacts/1/Image/a.png", "--binary", "-", "--yes"]
        assert run(None, "api", *args, api_url=url, input=image).code == 0
    assert seen == [("/v3.1/Contacts/1/Image/a.png", "application/octet-stream", image)]


@pytest.mark.parametrize(
    "path", ["/FileAttachments/7", "/Contacts/1/Image", "leads/1/ImageField/Photo__c"]
)
def test_a_file_is_written_as_it_is(sandbox: Sandbox, tmp_path: Path, path: str) -> None:
    image = b"\x89PNG\r\n\x1a\n\x00" * 50
    sandbox.faults = Faults(body=image)
    command = [*COMMAND, "api", "GET", path]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=environment(sandbox), cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, image)


def test_what_is_known_of_a_file_is_json(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(body=b'{"FILE_ID":7}')
    done = run(sandbox, "api", "GET", "/FileAttachments/7", "-f", "format=JSON")
    assert done.stdout == '{\n  "FILE_ID": 7\n}\n'


def test_an_answer_can_go_into_a_file(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults = Faults(body=b"\x00\xff<html>")
    done = run(sandbox, "api", "GET", "/Any/thing", "-o", tmp_path / "out.bin")
    assert (done.code, done.stdout) == (0, "")
    assert (tmp_path / "out.bin").read_bytes() == b"\x00\xff<html>"


def test_nothing_is_left_of_a_file_whose_request_failed(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "out.bin").write_bytes(b"before")
    assert run(sandbox, "api", "GET", "/Nothing", "-o", tmp_path / "out.bin").code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == b"before"


def test_status_and_headers_come_first() -> None:
    with new_sandbox(records=1).serve() as sandbox:
        done = run(sandbox, "api", "GET", f"/Contacts/{first(sandbox)}", "-i")
        head, _, body = done.stdout.partition("\n\n")
        assert head.startswith("HTTP/1.1 200 OK\n")
        assert 'etag: "' in head.lower()
        assert json.loads(body)["CONTACT_ID"] == first(sandbox)


@pytest.mark.parametrize("path", ["/Contacts", "/Contacts/Search?updated_after_utc=2000-01-01"])
@pytest.mark.parametrize("is_lines", [True, False])
def test_all_pages_are_one_list(large_sandbox: Sandbox, path: str, *, is_lines: bool) -> None:
    large_sandbox.requests.clear()
    done = run(large_sandbox, "api", "GET", path, "--paginate", *(["--jsonl"] if is_lines else []))
    assert done.code == 0
    found = [json.loads(line) for line in done.lines] if is_lines else done.json
    everything = [one["CONTACT_ID"] for one in large_sandbox.records("/Contacts")]
    assert [one["CONTACT_ID"] for one in found] == everything
    assert len(large_sandbox.requests) == 3, "pages of 500 that overlap by one"


def test_pages_are_read_ahead() -> None:
    with new_sandbox(records=1300).serve() as sandbox:
        most = [0]
        sandbox.on_request = lambda _: most.append(sandbox.faults.in_flight + 1)
        sandbox.faults = Faults(latency=1)
        assert run(sandbox, "api", "GET", "/Contacts", "--paginate").code == 0
        assert max(most) == 2, "the two pages after the first, which tells how many there are"


def test_what_has_no_pages_is_a_list_too(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "api", "GET", "/Countries", "--paginate")
    assert done.json == shared_sandbox.records("/Countries")
    path = f"/Contacts/{first(shared_sandbox)}/Links"
    assert isinstance(run(shared_sandbox, "api", "GET", path, "--paginate").json, list)


def test_a_version_that_has_passed_is_refused(sandbox: Sandbox) -> None:
    before = sandbox.records("/Contacts")[0]["TITLE"]
    given = ["-j", f"CONTACT_ID={first(sandbox)}", "-f", "TITLE=Countess", "--yes"]
    done = run(sandbox, "api", "PUT", "/Contacts", *given, "--if-match", '"old"')
    assert done.code == 1
    assert "the record was changed since the version" in done.stderr
    assert sandbox.records("/Contacts")[0]["TITLE"] == before
    etag = run(sandbox, "get", "contact", first(sandbox), "--etag").stdout.strip()
    assert run(sandbox, "api", "PUT", "/Contacts", *given, "--if-match", etag).code == 0
    assert sandbox.records("/Contacts")[0]["TITLE"] == "Countess"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "lock"])
def test_a_write_needs_a_word_where_nobody_can_be_asked(sandbox: Sandbox, method: str) -> None:
    done = run(sandbox, "api", method, "/Contacts")
    assert done.code == 2
    assert f"{method.upper()} /Contacts to 127.0.0.1:" in done.stderr
    assert "--yes" in done.stderr
    assert not sandbox.requests


@pytest.mark.parametrize(("said", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_a_write_asks_at_a_terminal(sandbox: Sandbox, tmp_path: Path, said: str, code: int) -> None:
    ours, theirs = pty.openpty()
    key = first(sandbox)
    args = ("api", "DELETE", f"/Contacts/{key}")
    with start(sandbox, *args, folder=tmp_path, stdin=theirs) as process:
        os.write(ours, f"{said}\n".encode())
        stdout, stderr = process.communicate(timeout=60)
    for end in (ours, theirs):
        os.close(end)
    watch(stdout, stderr)
    host = sandbox.api_url.split("/")[2]
    assert stderr.startswith(f"DELETE /Contacts/{key} to {host}? [y/N]")
    assert (process.returncode, stdout) == (code, "")
    assert (first(sandbox) == key) == (code == 1)


@pytest.mark.parametrize(
    "path",
    [
        "https://example.com/v3.1/Contacts",
        f"https://{KEY}@example.com/Contacts",
        "http:example.com",
        "/https://example.com",
        "//example.com/Contacts",
        "///example.com/Contacts",
        "/../../other",
        "Contacts/%2e%2E/%2e./other",
    ],
)
def test_another_address_is_refused(sandbox: Sandbox, path: str) -> None:
    done = run(sandbox, "api", "GET", path)
    assert (done.code, done.stdout) == (2, "")
    assert "the address that is set" in done.stderr
    assert not sandbox.requests


def test_what_looks_like_a_host_is_a_path(sandbox: Sandbox) -> None:
    for path in ("@example.com/x", "example.com", "/a#b?c=d"):
        assert run(sandbox, "api", "GET", path).code == 1
    paths = [log.path for log in sandbox.requests]
    assert paths == ["/v3.1/@example.com/x", "/v3.1/example.com", "/v3.1/a#b"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["GET", "/Contacts", "-f", "top"], "'top' is not NAME=value"),
        (["GET", "/Contacts", "-f", "top=1", "-j", "top=2"], "top is given twice"),
        (["POST", "/Contacts", "-y", "-j", "A=ada"], "A is not JSON"),
        (["POST", "/Contacts", "-y", "-F", "-"], "is empty"),
        (["POST", "/Contacts", "-y", "-F", "none.json"], "none.json"),
        (["POST", "/Contacts", "-y", "--form", "file=@none.txt"], "none.txt cannot be read"),
        (["POST", "/Contacts", "-y", "--form", "a=b", "-F", "-"], "a request has one"),
        (["/Contacts", "GET"], "no method"),
        (["POST", "/Contacts", "-y", "--paginate"], "--paginate is for GET"),
        (["GET", "/Contacts", "-i", "--paginate"], "--paginate is for GET"),
    ],
)
def test_wrong_usage_is_named_and_nothing_is_sent(
    sandbox: Sandbox, args: list[str], said: str
) -> None:
    done = run(sandbox, "api", *args, input="")
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not sandbox.requests


def test_a_refusal_is_told_in_the_words_of_the_api(sandbox: Sandbox) -> None:
    done = run(sandbox, "api", "POST", "/Contacts", "-f", "LAST_NAME=x", "--yes")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: POST http://127.0.0.1")
    assert "FIRST_NAME" in done.stderr


def test_a_record_that_is_gone_is_told_as_404(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "api", "GET", "/Contacts/1")
    assert (done.code, done.stdout) == (1, "")
    assert "(404)" in done.stderr


def test_the_page_of_a_proxy_is_no_answer(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(html_rate=1)
    done = run(sandbox, "api", "GET", "/Contacts", max_retries=0)
    assert (done.code, done.stdout) == (75, "")
    assert "not JSON" in done.stderr


def test_a_key_that_comes_back_is_not_shown(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["400"], body=f"Basic {ENCODED_KEY}, {KEY}".encode())
    done = run(sandbox, "api", "GET", "/Contacts")
    assert done.code == 1
    assert "***" in done.stderr


def test_whoever_reads_only_the_beginning_is_no_error(
    large_sandbox: Sandbox, tmp_path: Path
) -> None:
    args = ("api", "GET", "/Contacts", "--paginate", "--jsonl")
    with start(large_sandbox, *args, folder=tmp_path) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode in {0, 1}


def test_ctrl_c_ends_it_quietly(sandbox: Sandbox, tmp_path: Path) -> None:
    is_asked = threading.Event()
    sandbox.on_request = lambda _: is_asked.set()
    sandbox.faults = Faults(latency=60)
    with start(sandbox, "api", "GET", "/Contacts", folder=tmp_path) as process:
        assert is_asked.wait(60)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, "", "")


def test_it_is_a_command(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    done = run_as_process(shared_sandbox, "api", "GET", "/Instance", folder=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert done.json["INSTANCE_NAME"]
