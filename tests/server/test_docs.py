"""docs/webhooks.md, gateway.md and server.md: their commands are there, and do what they say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
import tomli

from tap_insightly.api import InsightlyClient
from tap_insightly.cli import main
from tap_insightly.config_file import load
from tap_insightly.server.metrics import Metrics
from tap_insightly.server.settings import SETTINGS as SERVER_SETTINGS
from tap_insightly.server.settings import server_settings
from tap_insightly.settings import SETTINGS
from tests.conftest import run_process
from tests.server.running import COMMAND, Served, environment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("webhooks", "gateway", "server")
}
WEBHOOKS, GATEWAY, SERVER = PAGES.values()


def lines(text: str, program: str) -> list[str]:
    """The commands of a page that begin with a program."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found = [line for block in blocks for line in block.splitlines()]
    return [line for line in found if f"{line} ".startswith(f"{program} ")]


ALL = [line for text in PAGES.values() for line in lines(text, "insightly")]


@pytest.mark.parametrize("line", ALL)
def test_every_command_and_option_exists(line: str) -> None:
    command: click.Command = main
    args = shlex.split(line, comments=True)[1:]
    while isinstance(command, click.Group):
        name = args.pop(0)
        command = command.commands[name]
    command.make_context(str(command.name), args)  # or an error that says what is wrong


def test_there_are_many() -> None:
    assert len(ALL) > 12


@pytest.fixture
def served(tmp_path: Path, sandbox: Sandbox) -> Iterator[Served]:
    with serving(tmp_path, sandbox.api_url) as server:
        yield server


def run(served: Served, line: str, **more: str) -> str:
    """Run a command of the page where the server is."""
    words = shlex.split(line, comments=True)
    own = [*COMMAND, *words[1:]] if words[0] == "insightly" else words
    store = {"INSIGHTLY_WEBHOOK_STORE": str(served.folder / "webhooks.sqlite")}
    env = environment(served.folder) | store | more
    done = run_process(own, env=env, folder=served.folder)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def test_events_are_shown_handed_on_and_pruned(served: Served) -> None:
    assert served.deliver({"TASK_ID": 99922875, "TITLE": "New Lead Task"}).status_code == 200
    assert served.deliver({"NOTHING": 1}).status_code == 200
    shown = {line: run(served, line) for line in lines(WEBHOOKS, "insightly webhooks list")}
    (lately, rejected, given_up) = shown.values()
    assert "99922875" in lately
    assert "99922875" not in rejected
    assert "acme" in rejected
    assert "acme" not in given_up
    assert "99922875" in run(served, "insightly webhooks tail --count 1 --lines 2")
    for line in lines(WEBHOOKS, "insightly webhooks replay"):
        run(served, line)
    run(served, "insightly webhooks forward --command true --name chat --once")
    assert "chat" in run(served, "insightly webhooks forwards")
    for line in (
        *lines(WEBHOOKS, "insightly webhooks forget"),
        *lines(WEBHOOKS, "insightly webhooks prune"),
    ):
        run(served, line)


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
def test_a_chat_hears_of_won_deals(served: Served) -> None:
    (script,) = re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```$", WEBHOOKS, re.MULTILINE | re.DOTALL)
    tools = served.folder / "tools"
    tools.mkdir()
    for name, text in (("won.sh", script), ("tools/curl", '#!/bin/sh\ncat "${3#@}" >> said\n')):
        (served.folder / name).write_text(text, encoding="utf-8")
        (served.folder / name).chmod(0o700)
    for number, state in enumerate(("OPEN", "WON", "LOST")):
        deal = {"OPPORTUNITY_ID": number + 1, "OPPORTUNITY_STATE": state}
        served.deliver({**deal, "OPPORTUNITY_NAME": f"Deal {number}"})
    (line,) = [one for one in lines(WEBHOOKS, "insightly webhooks forward") if "won.sh" in one]
    path = f"{tools}:{environment(served.folder)['PATH']}"
    run(served, f"{line} --once", PATH=path, CHAT_URL="https://chat.example")
    said = json.loads((served.folder / "said").read_text(encoding="utf-8"))
    assert said == {"text": "Won: Deal 1"}


def test_what_is_handed_on_looks_as_shown(served: Served) -> None:
    sample = {"TASK_ID": 99922875, "TITLE": "New Lead Task"}
    served.deliver({**sample, "DATE_UPDATED_UTC": "/Date(1489116850787-0800)/"})
    run(served, 'insightly webhooks forward --command "tee -a told" --name x --once')
    told = json.loads((served.folder / "told").read_text(encoding="utf-8"))
    (shown,) = re.findall(r"^```json\n(.*?)^```$", WEBHOOKS, re.MULTILINE | re.DOTALL)
    page = json.loads(shown)
    assert list(told) == list(page)
    assert told | {"received": page["received"]} == page


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl")
def test_tokens_are_made_used_and_revoked(served: Served, sandbox: Sandbox) -> None:
    token, _ = [run(served, one).strip() for one in lines(GATEWAY, "insightly tokens create")]
    key = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    calls = lines(GATEWAY, "curl")
    assert len(calls) == 2
    for call in calls:
        own = call.replace("ins_TOKEN", token).replace("/301", f"/{key}")
        own = own.replace("https://insightly.example.com", served.url)
        assert json.loads(run(served, own))["CONTACT_ID"] == key
    with InsightlyClient(token, api_url=f"{served.url}/v3.1") as client:
        assert client.get("contact", key)["CONTACT_ID"] == key
    assert 'InsightlyClient("ins_…", api_url="https://insightly.example.com/v3.1")' in GATEWAY
    (listing,) = lines(GATEWAY, "insightly tokens list")
    assert "dashboards" in run(served, listing)
    (revoking,) = lines(GATEWAY, "insightly tokens revoke")
    run(served, revoking)


def test_figures_settings_and_files_are_named_right(tmp_path: Path) -> None:
    metrics = Metrics()
    for counter in (metrics.events, metrics.lag):
        counter.labels(*["x"] * len(counter._labelnames))  # noqa: SLF001 - the only way to know
    text = metrics.text().decode()
    figures = re.findall(r"`(insightly_\w+)`", WEBHOOKS + GATEWAY)
    assert len(figures) == 8
    for figure in figures:
        assert re.search(rf"^# TYPE {figure} ", text, re.MULTILINE), figure
    known = {one.name for one in (*SETTINGS, *SERVER_SETTINGS)}
    assert {"webhook_store", "webhook_trust_minutes", "account"} <= known
    assert {"redis_url_env", "gateways", "longest_wait"} <= known
    examples = re.findall(r"^```toml\n(.*?)^```$", SERVER + GATEWAY, re.MULTILINE | re.DOTALL)
    for number, example in enumerate([*examples, (ROOT / "deploy" / "config.toml").read_text()]):
        path = tmp_path / f"{number}.toml"
        path.write_text(example, encoding="utf-8")
        path.chmod(0o644)  # there is no secret in any
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REDIS_URL", "redis://redis.example.com:6379/0")
            assert server_settings(load(str(path))).port == 8750
    deploy = tomli.loads((ROOT / "deploy" / "config.toml").read_text(encoding="utf-8"))
    assert deploy["accounts"]["acme"] == tomli.loads(examples[0])["accounts"]["acme"] | {
        "quota_reserve": 1000
    }
