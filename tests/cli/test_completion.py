"""A Tab offers what fits there, knows what an account has of its own, and asks nothing of it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

    Tab = Callable[..., list[str]]


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tab:
    """Says what a Tab at the end of a line offers, in an empty folder for what is learned."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def press(line: str, sandbox: Sandbox | None = None, program: str = "bash") -> list[str]:
        before = len(sandbox.requests) if sandbox else 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("_INSIGHTLY_COMPLETE", f"{program}_complete")
            patch.setenv("COMP_WORDS", f"insightly {line}")
            patch.setenv("COMP_CWORD", str(len(line.split()) + line.endswith(" ")))
            done = run(sandbox, api_key=None) if sandbox is None else run(sandbox)
        assert (done.code, done.stderr) == (0, "")
        assert len(sandbox.requests if sandbox else ()) == before
        if program == "zsh":
            return [one for one in done.lines[1::3] if one]
        return [one.partition(",")[2] for one in done.lines if one]

    return press


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("comp", ["completion"]),
        ("get cont", ["contact"]),
        ("get Cont", ["Contact"]),
        ("create cou", []),
        ("get countr", ["country"]),
        ("get contact --fields EMAIL_A", ["EMAIL_ADDRESS"]),
        ("get contact --fields EMAIL_ADDRESS,first", ["EMAIL_ADDRESS,FIRST_NAME"]),
        ("get lead --where EMAIL", ["EMAIL=", "EMAIL_OPTED_OUT="]),
        ("update contact 301 FIRST", ["FIRST_NAME="]),
        ("update contact 301 DATE_UPD", []),
        ("create contact FIRST_NAME=Ada LAST_N", ["LAST_NAME="]),
        ("load contacts people.csv --match-on EMAIL_A", ["EMAIL_ADDRESS"]),
        ("get contact --format ", ["table", "csv", "json", "jsonl"]),
        ("state set opportunity 301 W", ["won"]),
        ("get nonsense --fields A", []),
        ("stage set opportunity 301 Q", []),
        ("tag ", ["add", "remove"]),
    ],
)
def test_what_every_account_has_is_offered(tab: Tab, line: str, offered: list[str]) -> None:
    assert tab(line) == offered


def test_what_was_learned_of_an_account_is_offered(
    tab: Tab, sandbox: Sandbox, tmp_path: Path
) -> None:
    assert tab("get Fruit", sandbox) == []
    done = run(sandbox, "completion", "learn")
    assert (done.code, done.stdout) == (0, "")
    (file,) = (tmp_path / "cache" / "insightly").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(file) in done.stderr
    names = [one["OBJECT_NAME"] for one in sandbox.records("/CustomObjects")]
    assert tab(f"get {names[0][:3]}", sandbox)[:1] == [names[0]]
    assert "Hobby__c" in tab("get contact --fields Ho", sandbox)
    assert "Hobby__c=" in tab("update contact 301 ho", sandbox)
    stages = [one["STAGE_NAME"] for one in sandbox.records("/PipelineStages")]
    spaced = next(name for name in stages if " " in name)
    begin = spaced.split()[0]
    assert spaced.replace(" ", "\\ ") in tab(f"stage set opportunity 301 {begin}", sandbox)
    assert spaced in tab(f"stage set opportunity 301 {begin}", sandbox, program="zsh")
    pipeline = sandbox.records("/Pipelines")[0]
    chosen = {
        one["STAGE_NAME"].replace(" ", "\\ ")
        for one in sandbox.records("/PipelineStages")
        if one["PIPELINE_ID"] == pipeline["PIPELINE_ID"]
    }
    if " " not in pipeline["PIPELINE_NAME"]:
        line = f"stage set opportunity 301 --pipeline {pipeline['PIPELINE_NAME']} "
        assert chosen == set(tab(line, sandbox))


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"'])
def test_what_cannot_be_read_offers_what_every_account_has(
    tab: Tab, sandbox: Sandbox, tmp_path: Path, content: str
) -> None:
    assert run(sandbox, "completion", "learn").code == 0
    (file,) = (tmp_path / "cache" / "insightly").iterdir()
    file.write_text(content)
    assert tab("get cont", sandbox) == ["contact"]


def test_accounts_are_offered(tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[accounts.acme]\napi_key_env = "A"\n[accounts.beta]\napi_key_env = "B"\n')
    file.chmod(0o600)
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(file))
    assert tab("--account a") == ["acme"]
    assert tab("get contact --account ") == ["acme", "beta"]
    file.write_text("nonsense [")
    assert tab("--account a") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(shell: str) -> None:
    script = run(None, "completion", shell, api_key=None).stdout
    assert "_INSIGHTLY_COMPLETE" in script
    if (program := shutil.which(shell)) is not None:
        check = "-n"
        subprocess.run([program, check], input=script, text=True, check=True)  # noqa: S603 - a shell
