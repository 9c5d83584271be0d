"""The server as assistants have it: a process with pipes, or an address that takes a token."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
import requests
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tap_insightly.cli.commands.mcp import TOKEN
from tests.cli.running import COMMAND, environment, run, run_as_process
from tests.cli.test_examples import COMMANDS, examples
from tests.conftest import KEY, new_sandbox, watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

SECRET = "a-token-that-only-clients-have"  # noqa: S105 - of these tests
READING = ["describe", "find", "read", "links", "count", "check", "plan"]
ASK = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "count", "arguments": {"object": "contact"}},
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HEADERS = {
    "Authorization": f"Bearer {SECRET}",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-06-18",
}


def parameters(sandbox: Sandbox | None, folder: Path, *args: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "mcp", *args], env=environment(sandbox), cwd=folder
    )


@contextmanager
def started(sandbox: Sandbox, folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """The process by itself, for as long as the context lasts at the most."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "mcp", *args],
        env=environment(sandbox) | {TOKEN: SECRET},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        guard = threading.Timer(100, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            if process.poll() is None:
                process.terminate()
            process.wait(60)


@contextmanager
def serving(sandbox: Sandbox, folder: Path, *args: str) -> Iterator[tuple[str, Any]]:
    """A server over HTTP: its address, and its process."""
    with started(sandbox, folder, "--http", "--port", "0", *args) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"http://\S+", line):
                yield found[0], process
                return
        raise AssertionError(process.wait(60))


def test_an_assistant_starts_it_and_uses_its_tools(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    async def use() -> None:
        log = (tmp_path / "log").open("w+")
        async with Client(stdio_client(parameters(shared_sandbox, tmp_path), errlog=log)) as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == READING
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
            assert len(json.dumps([one.model_dump(exclude_none=True) for one in tools])) < 9000
            assert "never an instruction" in str(client.instructions)
            answer = await client.call_tool("count", {"object": "contact"})
            assert answer.structured_content["count"] == 60
            assert json.loads(answer.content[0].text) == answer.structured_content
            wrong = await client.call_tool("find", {"object": "contcat"})
            assert wrong.is_error
            plan = await client.call_tool("plan", {})
            assert plan.structured_content["requests"] > 40
            assert len(plan.content[0].text) < 8000
            check = await client.call_tool("check", {"objects": True})
            assert check.structured_content["objects"]["Contact"] == 60
            assert len(check.content[0].text) < 8000
            watch(str(tools), str(answer), str(plan), str(check))
        log.close()

    anyio.run(use)
    watch((tmp_path / "log").read_text())


def test_tools_that_write_say_so(sandbox: Sandbox, tmp_path: Path) -> None:
    async def use() -> None:
        args = ("--allow-writes", "--undo-folder", "undo")
        async with Client(stdio_client(parameters(sandbox, tmp_path, *args))) as client:
            tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
            assert [*tools] == [*READING, "preview_changes", "confirm_changes"]
            assert tools["preview_changes"].read_only_hint
            confirm = tools["confirm_changes"]
            assert (confirm.read_only_hint, confirm.destructive_hint) == (False, True)
            assert confirm.idempotent_hint is False
            changes = [{"action": "create", "object": "lead", "values": {"LAST_NAME": "new"}}]
            preview = await client.call_tool("preview_changes", {"changes": changes})
            given = {"token": preview.structured_content["token"], "changes": changes}
            assert not (await client.call_tool("confirm_changes", given)).is_error

    anyio.run(use)
    assert sandbox.records("/Leads")[-1]["LAST_NAME"] == "new"
    assert len([*(tmp_path / "undo").iterdir()]) == 1


def test_standard_output_has_nothing_but_the_protocol_and_ends_with_standard_input(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    with started(shared_sandbox, tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = []
        for message in (INITIALIZE, ASK):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            lines.append(process.stdout.readline())
        process.stdin.write("this is no JSON\n")
        process.stdin.close()
        lines += process.stdout.readlines()
        assert process.wait(60) == 0
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)
        assert '"count":60' in json.loads(lines[1])["result"]["content"][0]["text"]


def test_a_signal_ends_it_though_standard_input_is_open(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    with started(shared_sandbox, tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_an_assistant_that_is_gone_is_no_error(sandbox: Sandbox, tmp_path: Path) -> None:
    with started(sandbox, tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        asked = threading.Event()
        sandbox.on_request = lambda _: asked.set()
        process.stdin.write(f"{json.dumps(INITIALIZE)}\n{json.dumps(ASK)}\n")
        process.stdin.flush()
        assert asked.wait(60)
        process.stdout.close()
        process.stdin.close()
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()


def test_several_clients_share_one_server_over_http(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    with serving(shared_sandbox, tmp_path) as (url, process):

        async def use(found: list[int]) -> None:
            headers = {"Authorization": f"Bearer {SECRET}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=60) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                for _ in range(3):
                    answer = await client.call_tool("count", {"object": "contact"})
                    found.append(answer.structured_content["count"])

        async def use_all() -> list[int]:
            found: list[int] = []
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(use, found)
            return found

        assert anyio.run(use_all) == [60] * 12
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_who_has_no_token_or_comes_by_another_name_gets_nothing(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    with serving(shared_sandbox, tmp_path) as (url, _):
        asked = len(shared_sandbox.requests)

        def post(**headers: str | None) -> int:
            given = {name.replace("_", "-"): one for name, one in headers.items()}
            response = requests.post(url, json=ASK, headers={**HEADERS, **given}, timeout=60)
            watch(response.text)
            assert KEY not in response.text
            return response.status_code

        assert post(Authorization=None) == 401
        for wrong in ("Bearer ", f"Bearer {SECRET}x", f"Bearer {KEY}", f"Basic {SECRET}", SECRET):
            assert post(Authorization=wrong) == 401
        assert post(Host="evil.example") == 421
        assert post(Host="127.0.0.1.evil.example:80") == 421
        assert post(Origin="http://evil.example") == 403
        assert post(Origin="null") == 403
        assert len(shared_sandbox.requests) == asked, "nothing of it reached Insightly"
        assert post() == 200
        assert post(Origin="http://localhost:3000") == 200
        big = {**ASK, "params": {"name": "find", "arguments": {"object": "x" * 2**21}}}
        assert requests.post(url, json=big, headers=HEADERS, timeout=60).status_code == 413
        other = requests.get(url.removesuffix("/mcp") + "/", headers=HEADERS, timeout=60)
        assert other.status_code == 404


@pytest.mark.parametrize(
    ("args", "token", "said"),
    [
        ((), None, "--http needs a token"),
        ((), "short", "20 letters"),
        ((), KEY, "must not be the API key"),
        (("--token-file", "missing"), None, "does not exist"),
        (("--token-file", "open"), None, "may be read or changed by others"),
        (("--host", "0.0.0.0"), SECRET, "--allowed-host"),  # noqa: S104 - it is refused
    ],
)
def test_what_would_be_open_to_others_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], token: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(TOKEN, token or "")
    (tmp_path / "open").write_text(SECRET)
    (tmp_path / "open").chmod(0o644)
    result = run(None, "mcp", "--http", *args)
    assert result.code == 2
    assert said in result.stderr


def test_a_port_that_is_taken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(None, "mcp", "--http", "--port", port)
    assert result.code == 1
    assert "Choose another by --port" in result.stderr


def test_a_key_that_is_not_accepted_is_an_answer_and_not_in_it(tmp_path: Path) -> None:
    with new_sandbox(records=1, api_key="another-key").serve() as sandbox:

        async def use() -> Any:
            async with Client(stdio_client(parameters(sandbox, tmp_path))) as client:
                return await client.call_tool("check", {})

        answer = anyio.run(use)
    assert answer.is_error
    assert "did not accept the API key" in answer.content[0].text
    watch(str(answer))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['mcp'] = None; from tap_insightly.cli import main; main()"
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code, "mcp"],
        env=environment(None),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'tap-insightly[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_examples_work(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    token = tmp_path / "mcp-token"
    token.touch(mode=0o600)
    token.write_text(SECRET)
    shown, writing, http = examples(COMMANDS["mcp"])
    done = run(None, *shlex.split(shown)[1:])
    assert "mcpServers" in done.json
    done = run_as_process(shared_sandbox, *shlex.split(writing)[1:], folder=tmp_path)
    assert done.code == 0, done.stderr
    args = shlex.split(http.replace("--port 8751", ""))[3:]
    with serving(shared_sandbox, tmp_path, *args) as (url, _):
        assert requests.post(url, json=ASK, headers=HEADERS, timeout=60).status_code == 200
