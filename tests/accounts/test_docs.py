"""docs/accounts.md: its file is one, and every command does what the page shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tap_insightly.accounts import KNOWN
from tap_insightly.config_file import load
from tests.accounts.writing import ACME_KEY, BETA_KEY, watch, write
from tests.cli.test_docs import (
    SHOWN_URL,
    documented_sandbox,
    installed,
    pattern,
    plain,
    played,
    steps,
)

PAGE = (Path(__file__).parents[2] / "docs" / "accounts.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
(FILE,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_file_of_the_page_is_one(tmp_path: Path) -> None:
    accounts = load(str(write(tmp_path, FILE))).accounts
    assert {name: one.url for name, one in accounts.items()} == {
        "acme": "https://api.na1.insightly.com/v3.1",
        "beta": "https://api.eu1.insightly.com/v3.1",
    }
    assert accounts["beta"].without_key["quota_reserve"] == 2000


def test_the_page_names_every_setting_of_an_account() -> None:
    assert set(KNOWN) <= set(re.findall(r"`(\w+)`", SECTIONS["The file"]))


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
@pytest.mark.parametrize("title", [title for title, text in SECTIONS.items() if steps(text)])
def test_every_command_of_the_page_does_what_it_shows(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "tap-insightly", "tap_insightly")
    work = tmp_path / "work"
    work.mkdir()
    key = work / "beta.key"
    key.write_text(BETA_KEY)
    key.chmod(0o600)
    monkeypatch.setenv("ACME_KEY", ACME_KEY)
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(work / "config.toml"))
    nothing = dict.fromkeys(("api_key", "api_url", "requests_per_second", "search_lag_seconds"))
    with (
        documented_sandbox(api_key=ACME_KEY).serve() as acme,
        documented_sandbox(api_key=BETA_KEY).serve() as beta,
    ):
        text = FILE.replace('pod = "na1"', f'api_url = "{acme.api_url}"')
        write(work, text.replace('pod = "eu1"', f'api_url = "{beta.api_url}"'))
        done = played(acme, SECTIONS[title], tmp_path, **nothing)
        urls = (acme.api_url, beta.api_url)
    following = [step.command for step, *_ in done[1:]] + [""]
    for (step, output, code), then in zip(done, following, strict=True):
        where = f"$ {step.command}\n{output}"
        watch(output)
        assert (code == 0) == (then != "echo $?"), where
        shown = output
        for url in urls:
            shown = shown.replace(url, SHOWN_URL)
        assert re.fullmatch(pattern(step.output), plain(shown)), where
