"""Which account is asked, and with which key: never one account with the key of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.accounts.writing import ACME_KEY, BETA_KEY, watch, write
from tests.cli.running import Result, run, run_as_process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts.conftest import Two

NOWHERE = "http://127.0.0.1:1/v3.1"
ASK = ("api", "GET", "/Users/Me")


def ask(*before: object, after: tuple[object, ...] = (), **settings: Any) -> Result:
    """Ask an account for its user, with options before and after the command."""
    given = {"api_key": None, "requests_per_second": None, "search_lag_seconds": None, **settings}
    done = run(None, *before, *ASK, *after, **given)
    watch(done.stdout, done.stderr)
    return done


def wrong(*before: object, after: tuple[object, ...] = (), **settings: Any) -> str:
    """What is said of wrong usage, as one line."""
    done = ask(*before, after=after, **settings)
    assert (done.code, done.stdout) == (2, "")
    return " ".join(done.stderr.partition("Error: ")[2].split())


@pytest.mark.parametrize(("name", "asked"), [("acme", (True, False)), ("beta", (False, True))])
@pytest.mark.parametrize("way", ["before", "after", "variable", "of the tap", "file"])
def test_an_account_is_chosen_by_option_variable_or_file(
    two: Two,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    asked: tuple[bool, bool],
    way: str,
) -> None:
    if way == "before":
        done = ask("--account", name)
    elif way == "after":
        done = ask(after=("--account", name))
    elif way == "variable":
        monkeypatch.setenv("INSIGHTLY_ACCOUNT", name)
        done = ask()
    elif way == "of the tap":
        done = ask(account=name)
    else:
        (tmp_path / "settings.json").write_text(json.dumps({"account": name}))
        done = ask(after=("--config", tmp_path / "settings.json"))
    assert done.code == 0, done.stderr
    assert two.asked == asked


def test_the_nearer_choice_counts(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"account": "beta"}))
    file = ("--config", tmp_path / "settings.json")
    monkeypatch.setenv("INSIGHTLY_ACCOUNT", "none")
    assert ask(account="acme").code == 0
    assert two.asked == (True, False)
    assert ask(after=file, account="acme").code == 0
    assert two.asked == (False, True)
    assert ask("--account", "acme", after=file).code == 0
    assert two.asked == (True, False)
    assert ask("--account", "acme", after=(*file, "--account", "beta")).code == 0
    assert two.asked == (False, True)


@pytest.mark.parametrize(
    "surroundings",
    [
        {"api_key": "another"},
        {"api_url": NOWHERE},
        {"pod": "eu1"},
        {"api_version": "v2.2"},
        {"api_key": "another", "api_url": NOWHERE, "pod": "eu1", "api_version": "v2.2"},
    ],
)
def test_key_and_address_of_the_environment_do_not_count_beside_an_account(
    two: Two, surroundings: dict[str, str]
) -> None:
    done = ask("--account", "beta", **surroundings)
    assert done.code == 0, done.stderr
    assert two.asked == (False, True)


UNIT = {"api_key": "another", "api_url": NOWHERE, "pod": "eu1", "api_version": "v2.2"}


@pytest.mark.parametrize("way", ["option", "file"])
@pytest.mark.parametrize("by", ["option", "variable"])
@pytest.mark.parametrize("name", UNIT)
def test_a_key_or_an_address_beside_an_account_is_wrong_usage(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, by: str, way: str
) -> None:
    before = ("--account", "acme") if by == "option" else ()
    if by == "variable":
        monkeypatch.setenv("INSIGHTLY_ACCOUNT", "acme")
    after: tuple[object, ...] = (f"--{name.replace('_', '-')}", UNIT[name])
    if way == "file":
        (tmp_path / "settings.json").write_text(json.dumps({name: UNIT[name]}))
        after = ("--config", tmp_path / "settings.json")
    sentence = wrong(*before, after=after)
    place = "the options" if way == "option" else "the settings"
    assert sentence == (
        f"'{name}' is given in {place}, and so is account 'acme', which has a key and an address "
        "of its own: leave out one or the other."
    )
    assert two.asked == (False, False)


def test_other_settings_go_before_those_of_the_account(two: Two, tmp_path: Path) -> None:
    write(tmp_path, two.text(acme="quota_reserve = 1000"))
    file = tmp_path / "settings.json"
    catalog = tmp_path / "catalog.json"
    catalog.write_text('{"streams": []}')

    def reserve(*options: object, **settings: Any) -> int:
        plan = ("--account", "acme", "plan", "--json", "--catalog", catalog)
        done = run(None, *plan, *options, **{"api_key": None, **settings})
        assert done.code == 0, done.stderr
        found = done.json["quota"]["reserve"]
        assert isinstance(found, int)
        return found

    assert reserve() == 1000
    assert reserve(quota_reserve=5) == 5
    file.write_text(json.dumps({"quota_reserve": 6}))
    assert reserve("--config", file, quota_reserve=5) == 6
    assert reserve("--config", file, "--quota-reserve", "7") == 7
    # Whoever gives an option or a variable means it, though it is the default; but programs that
    # write files of settings write the defaults into them.
    assert reserve("--quota-reserve", "0") == 0
    assert reserve(quota_reserve=0) == 0
    file.write_text(json.dumps({"quota_reserve": 0, "pod": "na1", "api_version": "v3.1"}))
    assert reserve("--config", file) == 1000


def test_what_nobody_sets_is_the_default_of_the_command(two: Two, tmp_path: Path) -> None:
    write(tmp_path, two.one("max_retries = 0"))
    two.acme.faults = type(two.acme.faults)(script=["503"])
    try:
        done = run(None, "check", api_key=None)
        assert (done.code, "fails at the moment" in done.stderr) == (75, True)
        assert "Account 'acme': " in done.stderr
        write(tmp_path, two.one())
        two.acme.faults = type(two.acme.faults)(script=["503"])
        assert run(None, "check", api_key=None).code == 0
    finally:
        two.acme.faults = type(two.acme.faults)()


def test_the_only_account_is_used_if_nothing_else_is_said(two: Two, tmp_path: Path) -> None:
    write(tmp_path, two.one())
    assert ask().code == 0
    assert two.asked == (True, False)


def test_of_several_accounts_one_has_to_be_chosen(two: Two) -> None:
    sentence = wrong()
    assert (
        "has several accounts: acme, beta. Choose one by the variable INSIGHTLY_ACCOUNT, by"
        in sentence
    )
    assert two.asked == (False, False)


@pytest.mark.parametrize("name", ["api_url", "pod", "api_version"])
def test_an_address_without_a_key_does_not_take_the_key_of_the_only_account(
    two: Two, tmp_path: Path, name: str
) -> None:
    # Whoever says where to ask does not mean an account that is elsewhere.
    write(tmp_path, two.one())
    option = f"--{name.replace('_', '-')}"
    for sentence in (wrong(after=(option, UNIT[name])), wrong(**{name: UNIT[name]})):
        assert sentence.startswith("Setting 'api_key' is missing;")
        assert sentence.endswith("see the setting 'account'.")
    assert two.asked == (False, False)


def test_who_has_a_key_in_the_environment_needs_no_account(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surroundings = {"api_key": BETA_KEY, "api_url": two.beta.api_url}
    assert ask(**surroundings).code == 0
    assert two.asked == (False, True)
    (tmp_path / "config.toml").write_text("broken")  # it is not even read
    assert ask(**surroundings).code == 0
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(tmp_path / "none.toml"))
    assert ask(**surroundings).code == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("acm", "This file has no account 'acm'. Did you mean 'acme'?"),
        ("zeta", "Did you mean 'beta'?"),
        ("xyz", "This file has no account 'xyz'. It has acme, beta."),
        (ACME_KEY, "This file has no account '***'. It has acme, beta."),
        (f"{ACME_KEY}\n", "Setting 'account': what was given is not shown here; accepted is up to"),
        ("a c", "Setting 'account': got 'a c'; accepted is up to 64 letters, digits, - and _."),
        ("../x", "Setting 'account': got '../x'"),
    ],
)
def test_an_account_that_there_is_not_is_told_of(
    two: Two, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    assert sentence in wrong("--account", name)
    assert sentence in wrong(api_key=BETA_KEY, api_url=two.beta.api_url, account=name)
    monkeypatch.setenv("INSIGHTLY_ACCOUNT", name)
    assert sentence in wrong(api_key=BETA_KEY, api_url=two.beta.api_url)
    assert two.asked == (False, False)


def test_a_file_with_variables_chooses_for_a_folder(two: Two, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAP_INSIGHTLY_ACCOUNT=beta\nTAP_INSIGHTLY_API_KEY=other\n")
    settings = {"api_key": None, "requests_per_second": None}
    done = run_as_process(None, *ASK, folder=tmp_path, **settings)
    assert done.code == 0, done.stderr
    assert two.asked == (False, True)


def test_a_file_that_is_not_there_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "none.toml"
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(path))
    for before in (("--account", "acme"), ()):
        assert wrong(*before) == (
            f"{path}: This configuration file does not exist. The variable INSIGHTLY_CONFIG names "
            "it."
        )


def test_without_an_account_a_missing_key_is_told_of() -> None:
    assert "Setting 'api_key' is missing" in wrong()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("broken", "This file is no TOML: "),
        ("[accounts.acme]", "Account 'acme': it has no API key"),
        ('[accounts.acme]\napi_key_env = "NO_SUCH"', "the variable NO_SUCH that 'api_key_env'"),
    ],
)
def test_a_file_that_cannot_be_used_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    path = write(tmp_path, text)
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(path))
    for before in (("--account", "acme"), ()):
        told = wrong(*before)
        assert told.startswith(f"{path}: ")
        assert sentence in told


def test_objects_are_listed_without_an_account_too(two: Two) -> None:
    done = run(None, "objects", "--json", api_key=None)
    assert done.code == 0
    assert two.asked == (False, False)
    assert run(None, "--account", "acme", "objects", api_key=None).code == 0
    assert two.asked == (True, False)
