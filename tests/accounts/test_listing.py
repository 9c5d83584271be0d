"""``insightly accounts``: what there is, without a secret and without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.accounts.writing import BETA_KEY, HOOK, watch, write
from tests.cli.running import Result, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts.conftest import Two


def listed(*args: object, **settings: Any) -> Result:
    """List the accounts."""
    given = {"api_key": None, "requests_per_second": None, "search_lag_seconds": None, **settings}
    before = [arg for arg in args if arg != "--json"]
    done = run(None, *before, "accounts", *(["--json"] if "--json" in args else []), **given)
    watch(done.stdout, done.stderr)
    return done


def chosen(*args: object, **settings: Any) -> list[str]:
    """The names of the accounts that are marked."""
    done = listed(*args, "--json", **settings)
    assert done.code == 0, done.stderr
    return [one["account"] for one in done.json if one["is_chosen"]]


def test_each_account_is_listed_with_what_is_known_of_it(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BETA_KEY")
    hooks = f'quota_reserve = 1500\nwebhook_user = "u"\nwebhook_password = "{HOOK}"'
    path = write(tmp_path, two.text(acme=hooks))
    done = listed("--account", "acme", "--json")
    assert done.code == 0
    problem = "Account 'beta': the variable BETA_KEY that 'api_key_env' names is not set."
    assert done.json == [
        {
            "account": "acme",
            "is_chosen": True,
            "url": two.acme.api_url,
            "key_from": "the configuration file",
            "key_problem": None,
            "requests_per_second": 100,
            "quota_reserve": 1500,
            "has_webhooks": True,
            "webhook_problem": None,
        },
        {
            "account": "beta",
            "is_chosen": False,
            "url": two.beta.api_url,
            "key_from": "variable BETA_KEY",
            "key_problem": problem,
            "requests_per_second": 100,
            "quota_reserve": 0,
            "has_webhooks": False,
            "webhook_problem": None,
        },
    ]
    done = listed("--account", "acme")
    assert done.lines[2].split()[:2] == ["*", "acme"]
    assert done.lines[2].split()[-4:] == ["ok", "100", "1,500", "yes"]
    assert done.lines[3].split()[-6:] == ["cannot", "be", "read", "100", "0", "no"]
    assert done.stderr == f"{problem}\n"
    assert two.asked == (False, False)
    path.unlink()


def test_a_password_that_cannot_be_read_is_told_of(two: Two, tmp_path: Path) -> None:
    write(tmp_path, two.text(beta='webhook_user = "u"\nwebhook_password_file = "no.txt"'))
    done = listed("--json")
    problem = done.json[1]["webhook_problem"]
    assert problem.startswith("Account 'beta': the file ")
    assert problem.endswith("/no.txt that 'webhook_password_file' names does not exist.")
    assert (done.json[1]["key_problem"], done.json[1]["has_webhooks"]) == (None, True)
    assert listed().stderr == f"{problem}\n"


@pytest.mark.usefixtures("two")
def test_the_account_that_would_be_asked_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen() == []
    monkeypatch.setenv("INSIGHTLY_ACCOUNT", "beta")
    assert chosen() == ["beta"]
    assert chosen(account="acme") == ["acme"]
    assert chosen("--account", "beta", account="acme") == ["beta"]


def test_the_only_account_is_marked_unless_the_environment_has_a_key(
    two: Two, tmp_path: Path
) -> None:
    write(tmp_path, two.one())
    assert chosen() == ["acme"]
    assert chosen(api_key=BETA_KEY) == []
    assert chosen(pod="eu1") == []


def test_an_account_that_there_is_not_cannot_be_marked(two: Two) -> None:
    assert two
    done = listed("--account", "acm")
    assert done.code == 2
    assert "Did you mean 'acme'?" in " ".join(done.stderr.split())


def test_a_file_that_cannot_be_used_is_told_of(two: Two, tmp_path: Path) -> None:
    assert two
    write(tmp_path, "broken")
    done = listed()
    assert (done.code, done.stdout) == (2, "")
    assert "This file is no TOML" in done.stderr


@pytest.mark.parametrize("text", ["", "# nothing", "[accounts]", "[server]"])
def test_a_file_without_accounts_says_how_to_add_one(two: Two, tmp_path: Path, text: str) -> None:
    assert two
    path = write(tmp_path, text)
    done = listed()
    assert (done.code, done.stdout) == (0, "")
    assert done.stderr.startswith(f"There are no accounts in {path}. An account is a table in it,")
    assert listed("--json").json == []
    path.unlink()


def test_no_file_in_the_usual_place_says_where_it_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSIGHTLY_CONFIG", "")
    path = tmp_path / "config.toml"
    monkeypatch.setattr("tap_insightly.config_file.default_path", lambda: path)
    done = listed()
    assert (done.code, done.stdout) == (0, "")
    assert done.stderr.startswith(f"There is no file {path}.")
