"""docs/assistants.md: its files are right and start the server; its claims have tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click
import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tap_insightly.cli.commands.mcp import TOKEN, mcp
from tap_insightly.mcp.assistants import FILES, configuration
from tap_insightly.mcp.limits import Limits
from tap_insightly.mcp.pending import Pending
from tap_insightly.mcp.tools import Toolbox
from tests.cli.running import run
from tests.conftest import KEY
from tests.mcp import test_counting, test_reading, test_serving, test_writing
from tests.mcp.test_serving import SECRET, serving

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox
    from tests.mcp.calling import Assistant

PAGE = (Path(__file__).parents[2] / "docs" / "assistants.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```json ([\w-]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
CLAIMS = {
    "A1": [
        test_writing.test_nothing_can_be_written_unless_that_was_allowed,
        test_writing.test_a_preview_shows_what_would_change_and_writes_nothing,
    ],
    "A2": [
        test_writing.test_a_token_is_good_for_its_own_preview_once_and_not_for_long,
        test_writing.test_two_who_confirm_at_once_write_once,
    ],
    "A3": [
        test_writing.test_what_was_changed_since_the_preview_is_not_written,
        test_writing.test_a_change_in_the_last_moment_is_noticed_by_insightly,
    ],
    "A4": [
        test_writing.test_what_cannot_be_written_is_said_in_the_preview,
        test_writing.test_undoing_leaves_what_somebody_has_changed_since,
    ],
    "A5": [test_writing.test_no_more_is_written_than_limits_allow],
    "A6": [
        test_reading.test_limits_are_kept_and_told,
        test_reading.test_the_quota_is_kept_and_told,
        test_counting.test_what_costs_too_much_is_not_counted_in_part,
    ],
    "A7": [
        test_writing.test_what_is_confirmed_is_written_and_can_be_undone,
        test_writing.test_nothing_is_written_where_it_could_not_be_undone,
    ],
    "A8": [test_serving.test_a_key_that_is_not_accepted_is_an_answer_and_not_in_it],
    "A9": [test_reading.test_a_text_that_gives_orders_is_told_as_data],
    "A10": [test_serving.test_who_has_no_token_or_comes_by_another_name_gets_nothing],
}


def filled(value: Any, variables: dict[str, str]) -> Any:
    """What an assistant makes of its file: variables are replaced."""
    if isinstance(value, dict):
        return {name: filled(one, variables) for name, one in value.items()}
    if isinstance(value, str):
        return re.sub(r"\$\{(?:input:)?([\w-]+)(?::-[^}]*)?\}", lambda m: variables[m[1]], value)
    return value


def test_the_page_has_what_the_command_writes_for_every_assistant() -> None:
    assert BLOCKS.keys() == FILES.keys()
    for name, block in BLOCKS.items():
        assert json.loads(block) == configuration(name, "insightly"), name
        assert FILES[name].rpartition("/")[2] in PAGE or name == "generic"
    (choice,) = [one for one in mcp.params if one.name == "print_config"]
    assert isinstance(choice.type, click.Choice)
    assert [*choice.type.choices] == [*FILES]


def test_some_assistants_have_the_same_file() -> None:
    for name in ("cursor", "generic"):  # so that it is started once for them
        assert json.loads(BLOCKS[name]) == json.loads(BLOCKS["claude-desktop"])


@pytest.mark.parametrize("name", ["claude-desktop", "claude-code", "vscode"])
def test_the_server_starts_as_the_file_of_an_assistant_says(
    shared_sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    variables = {
        "TAP_INSIGHTLY_API_KEY": KEY,
        "TAP_INSIGHTLY_POD": "na1",
        "insightly-key": KEY,
    }
    read = json.loads(BLOCKS[name])
    server = filled((read.get("servers") or read["mcpServers"])["insightly"], variables)
    command = shutil.which(server["command"], path=str(Path(sys.executable).parent))
    assert command is not None
    env = server["env"] | {"TAP_INSIGHTLY_API_URL": shared_sandbox.api_url}
    if env["TAP_INSIGHTLY_API_KEY"] == "your-key":
        env["TAP_INSIGHTLY_API_KEY"] = KEY
    del env["TAP_INSIGHTLY_POD"]  # the sandbox is in none
    env["INSIGHTLY_CONFIG"] = os.environ["INSIGHTLY_CONFIG"]
    parameters = StdioServerParameters(command=command, args=server["args"], env=env, cwd=tmp_path)

    async def count() -> Any:
        async with Client(stdio_client(parameters)) as client:
            return await client.call_tool("count", {"object": "contact"})

    assert anyio.run(count).structured_content["count"] == 60


def test_the_server_is_reached_as_the_file_for_http_says(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    server = filled(json.loads(BLOCKS["http"])["mcpServers"]["insightly"], {TOKEN: SECRET})
    with serving(shared_sandbox, tmp_path) as (url, _):
        assert re.sub(r":\d+", ":8751", url) == server["url"]

        async def count() -> Any:
            async with (
                httpx2.AsyncClient(headers=server["headers"], timeout=60) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                return await client.call_tool("count", {"object": "contact"})

        assert anyio.run(count).structured_content["count"] == 60


def test_a_file_names_the_account_and_needs_no_key_then() -> None:
    for name in [one for one in FILES if one != "http"]:
        shown = run(None, "--account", "acme", "mcp", "--print-config", name, api_key=None)
        assert '"--account"' in shown.stdout
        assert "API_KEY" not in shown.stdout


def test_the_page_names_all_tools_limits_and_claims(reader: Assistant, tmp_path: Path) -> None:
    desk = replace(
        reader.desk, plan=dict, pending=Pending(), undo_folder=tmp_path, undo=lambda *_: ()
    )
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [*Toolbox(desk).tools]
    limits = dict(re.findall(r"^\| `--([\w-]+)` \| ([\d,]+) \|", PAGE, re.MULTILINE))
    given = {one.name: one.default for one in mcp.params if isinstance(one, click.Option)}
    for name, number in limits.items():
        assert given[name.replace("-", "_")] == int(number.replace(",", "")), name
    own = Limits()
    assert sorted(int(one.replace(",", "")) for one in limits.values()) == sorted(
        [own.requests, own.all_requests, own.changes, own.all_changes, own.answer_characters]
    )
    assert re.findall(r"^\| (A\d+) \|", PAGE, re.MULTILINE) == [*CLAIMS]
