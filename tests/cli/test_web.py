"""`--web` opens the page of a record, or writes where it is."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import first
from tests.cli.running import run, run_as_process

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

PAGES = "https://crm.na1.insightly.com/details/{object}/{id}"


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that writes down what it is told to open."""
    opened, program = tmp_path / "opened.txt", tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    return opened


@pytest.mark.skipif(sys.platform == "win32", reason="the browser is a script")
def test_the_page_is_opened(browser: Path, tmp_path: Path) -> None:
    done = run_as_process(None, "get", "lead", 7, "--web", folder=tmp_path, pod="eu1")
    address = "https://crm.eu1.insightly.com/details/Lead/7"
    assert (done.code, done.stdout, done.stderr) == (0, "", f"Opened {address}\n")
    assert browser.read_text() == f"{address}\n"


def test_without_a_browser_the_address_is_written(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    contact = first(sandbox)
    done = run(sandbox, "get", "contacts", contact, "--web", "--web-url", PAGES)
    address = f"https://crm.na1.insightly.com/details/Contact/{contact}"
    assert (done.code, done.stdout, done.stderr) == (0, f"{address}\n", "")
    monkeypatch.setenv("INSIGHTLY_WEB_URL", "https://crm.example/{object}?id={id}&{other}")
    done = run(sandbox, "get", "task", 7, "-w")
    assert done.stdout == "https://crm.example/Task?id=7&{other}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["get", "contacts", "--web"], "for one record"),
        (["get", "contact", "7", "--web", "--format", "csv"], "for one record"),
        (["get", "contact", "7", "--web"], "INSIGHTLY_WEB_URL"),
        (["get", "contact", "7", "--web", "--web-url", "file:///etc/passwd"], "no address"),
        (["get", "contact", "7", "--web", "--web-url", "--help"], "no address"),
    ],
)
def test_what_has_no_page_is_wrong_usage(sandbox: Sandbox, args: list[str], said: str) -> None:
    done = run(sandbox, *args)
    assert (done.code, done.stdout) == (2, "")
    assert said in re.sub(r"\s+", " ", done.stderr)
