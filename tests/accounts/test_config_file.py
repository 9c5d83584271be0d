"""The configuration file: what it gives, and what is said of each way to write it wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tap_insightly import config_file
from tap_insightly.config_file import ConfigFileError, load
from tap_insightly.connection_settings import CONNECTION
from tests.accounts.writing import ACME_KEY, HOOK, loaded, refused, said, watch, write

DEFAULTS = {setting.name: setting.default for setting in CONNECTION}
ACME = f'[accounts.acme]\napi_key = "{ACME_KEY}"\n'
WRONG_VALUES: dict[str, tuple[str, str]] = {
    "pod": ('"na1.evil.com/x"', "the pod alone"),
    "api_url": ('"http://crm.example.com/v3.1"', "plain http only to this machine"),
    "api_version": ('"latest"', "a version such as v3.1"),
    "requests_per_second": ("0", "0.1 to 100"),
    "max_concurrency": ("2.5", "whole number"),
    "request_timeout": ("true", "1 to 3600"),
    "max_retries": ("-1", "0 to 100"),
    "quota_reserve": ("[5]", "0 up"),
    "webhook_user": ('"a:b"', "without colons"),
}


def test_an_account_gives_all_settings_of_a_connection(tmp_path: Path) -> None:
    text = ACME + 'pod = "eu1"\nrequests_per_second = 2.5\nquota_reserve = 1000\n'
    file = loaded(tmp_path, text)
    account = file.accounts["acme"]
    made = {"api_key": ACME_KEY, "pod": "eu1", "requests_per_second": 2.5, "quota_reserve": 1000}
    assert account.connection() == DEFAULTS | made
    assert account.url == "https://api.eu1.insightly.com/v3.1"
    assert (account.webhook_user, account.webhook_password()) == (None, None)
    assert file.server == {}


def test_the_key_comes_from_a_variable_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = loaded(tmp_path, '[accounts.acme]\napi_key_env = "ACME_KEY"').accounts["acme"]
    monkeypatch.delenv("ACME_KEY", raising=False)
    with pytest.raises(ConfigFileError, match="the variable ACME_KEY that 'api_key_env' names is"):
        account.connection()
    monkeypatch.setenv("ACME_KEY", ACME_KEY)
    assert account.connection()["api_key"] == ACME_KEY
    assert account.key_source.origin == "variable ACME_KEY"


def test_the_key_comes_from_a_file_beside_the_configuration_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, folder in (("acme.key", tmp_path), ("~/acme.key", tmp_path / "home")):
        folder.mkdir(exist_ok=True)
        key = folder / "acme.key"
        key.write_text(f"\ufeff{ACME_KEY}\r\n", encoding="utf-8")
        key.chmod(0o600)
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.chdir("/")
        account = loaded(tmp_path, f'[accounts.acme]\napi_key_file = "{name}"').accounts["acme"]
        assert account.connection()["api_key"] == ACME_KEY
        assert account.key_source.origin == f"file {name}"


def test_webhooks_have_a_user_and_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", HOOK)
    text = ACME + 'webhook_user = "insightly"\nwebhook_password_env = "HOOK"'
    account = loaded(tmp_path, text).accounts["acme"]
    assert (account.webhook_user, account.webhook_password()) == ("insightly", HOOK)
    monkeypatch.setenv("HOOK", ACME_KEY)
    with pytest.raises(ConfigFileError, match="the password of its webhooks is its API key"):
        account.webhook_password()


def test_the_table_of_the_server_is_handed_on_as_it_is(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[server]\nport = 1\nwhatever = [2]").server == {
        "port": 1,
        "whatever": [2],
    }


def test_two_accounts_may_have_the_same_key(tmp_path: Path) -> None:
    file = loaded(tmp_path, ACME + ACME.replace("acme]", "beta]"))
    assert {one.connection()["api_key"] for one in file.accounts.values()} == {ACME_KEY}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_any_unicode_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    assert list(loaded(tmp_path, ACME.encode(encoding)).accounts) == ["acme"]


def test_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    assert list(loaded(tmp_path, ACME.replace("\n", "\r\n")).accounts) == ["acme"]


def test_the_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ACME)
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(path))
    assert list(load().accounts) == ["acme"]
    monkeypatch.setenv("INSIGHTLY_CONFIG", "config.toml")
    monkeypatch.chdir(tmp_path)
    assert load().path == path
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(tmp_path / "no.toml"))
    with pytest.raises(ConfigFileError, match=r"does not exist\. The variable INSIGHTLY_CONFIG"):
        load()
    with pytest.raises(ConfigFileError, match="does not exist"):
        load(str(tmp_path / "nor.toml"))


def test_without_the_variable_the_platform_s_place_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "insightly" / "config.toml"
    monkeypatch.setattr(config_file, "default_path", lambda: path)
    monkeypatch.setenv("INSIGHTLY_CONFIG", "")
    assert (load().path, load().accounts) == (path, {})
    path.parent.mkdir()
    write(path.parent, ACME)
    assert list(load().accounts) == ["acme"]


def test_the_platform_s_place_is_one() -> None:
    assert config_file.default_path().parts[-2:] == ("insightly", "config.toml")


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_a_wrong_setting_is_named_with_its_account_and_what_is_accepted(
    tmp_path: Path, name: str
) -> None:
    value, accepted = WRONG_VALUES[name]
    sentence = refused(tmp_path, f"{ACME}{name} = {value}")
    assert sentence.startswith(f"Account 'acme': setting '{name}': got ")
    assert accepted in sentence


def test_every_setting_of_a_connection_has_a_mistake_in_this_test() -> None:
    names = {setting.name for setting in CONNECTION} - {"api_key"}
    assert names | {"webhook_user"} == set(WRONG_VALUES)


WRONG: list[tuple[str, str]] = [
    # Something that is not known.
    ("[account.acme]", "The table 'account' is not known; accepted are"),
    ("[account.acme]", "Did you mean 'accounts'?"),
    ("port = 1", "The setting 'port' is not known"),
    ("[acme]", "The table 'acme' is not known"),
    (ACME + 'pods = "na1"', "Account 'acme': 'pods' is no setting of an account. Did you mean"),
    (ACME + 'url = "x"', "Did you mean 'api_url'?"),
    (ACME + "[accounts.acme.more]", "Account 'acme': 'more' is no setting"),
    ('[accounts.acme]\napi-key = "x"', "Did you mean 'api_key'"),
    # Something that is none.
    ("accounts = []", "'accounts' is a list, where tables such as [accounts.acme] are expected."),
    ("[[accounts]]", "'accounts' is a list"),
    ('accounts = "acme"', "'accounts' is a text"),
    ('[accounts]\nacme = "x"', "Account 'acme': it is a text, where a table [accounts.acme] is"),
    ("[accounts]\nacme = 2024-01-01", "Account 'acme': it is"),
    ("[[accounts.acme]]", "Account 'acme': it is a list"),
    ("server = 1", "'server' is a number, where a table is expected."),
    ("[[server]]", "'server' is a list"),
    # Names.
    ('[accounts."a c"]', "The name 'a c' of an account is not accepted; accepted are up to 64"),
    ('[accounts.""]', "The name '' of an account"),
    ('[accounts."ac/me"]', "The name 'ac/me'"),
    ('[accounts."acme\\n"]', "The name 'acme\\n'"),
    ('[accounts."ümläut"]', "The name 'ümläut'"),
    (f"[accounts.{'x' * 65}]", "of an account is not accepted"),
    # The key.
    ("[accounts.acme]", "Account 'acme': it has no API key; add 'api_key_env', 'api_key_file' or"),
    (ACME + 'api_key_env = "K"', "'api_key' and 'api_key_env' are given; keep one of them."),
    (
        '[accounts.acme]\napi_key_file = "k"\napi_key_env = "K"',
        "'api_key_env' and 'api_key_file' are given",
    ),
    ('[accounts.acme]\napi_key = ""', "'api_key' is empty."),
    ('[accounts.acme]\napi_key_env = " "', "'api_key_env' is empty."),
    ('[accounts.acme]\napi_key_file = ""', "'api_key_file' is empty."),
    (f'[accounts.acme]\napi_key = ["{ACME_KEY}"]', "'api_key' is no text; what was given is not"),
    ("[accounts.acme]\napi_key_env = 5", "'api_key_env' is no text"),
    (f'[accounts.acme]\napi_key = "{ACME_KEY} x"', "'api_key' is not accepted, and not shown"),
    (f'[accounts.acme]\napi_key = "{ACME_KEY}\\n"', "without spaces or line breaks"),
    (ACME + 'pod = "na1"\napi_url = "https://x.test/v3.1"', "'pod' and 'api_url' are given; keep"),
    # Webhooks.
    (ACME + 'webhook_user = "u"', "'webhook_user' is given without 'webhook_password_env'"),
    (ACME + f'webhook_password = "{HOOK}"', "'webhook_password' is given without 'webhook_user'"),
    (ACME + 'webhook_password_env = "H"', "'webhook_password_env' is given without 'webhook_user'"),
    (
        ACME + f'webhook_user = "u"\nwebhook_password = "{HOOK}"\nwebhook_password_file = "h"',
        "'webhook_password' and 'webhook_password_file' are given",
    ),
    (
        ACME + f'webhook_user = "u"\nwebhook_password = "{ACME_KEY}"',
        "the password of its webhooks is its API key; take another one",
    ),
    (
        ACME + f'webhook_user = "u"\nwebhook_password = "{HOOK}\\n"',
        "'webhook_password' is not accepted, and not shown here",
    ),
    # TOML.
    (ACME + "pod = na1", "This file is no TOML: Invalid value (at line 3, column 7)."),
    (ACME + ACME, "This file is no TOML: Cannot declare ('accounts', 'acme') twice (at line 3"),
    (f"[accounts.acme]\napi_key = {ACME_KEY}", "(at line 2"),
    (f"[accounts.acme]\n{ACME_KEY}", "(at "),
    (f'[accounts.acme]\napi_key = "{ACME_KEY}', "(at "),
    ("a = " + "[" * 9000, "This file is"),
    ("a" + ".a" * 5000 + " = 1", "This file is nested too deeply."),
    (ACME + "pod" + ".a" * 5000 + " = 1", "This file is nested too deeply."),
    (ACME + f"pod{'.a' * 5000} = '{ACME_KEY}'", "This file is nested too deeply."),
    ("[server" + ".a" * 60 + "]", "This file is nested too deeply."),
    ("a = " + "9" * 9000, "This file is no TOML"),
    # A secret in the wrong place.
    (ACME + f'pod = "{ACME_KEY}"', "setting 'pod': what was given is not shown here; accepted is"),
    (f'[accounts.acme]\npod = "{ACME_KEY}"\napi_key_env = "K"', "setting 'pod': what was given is"),
    (ACME + f'max_retries = ["{ACME_KEY}"]', "setting 'max_retries': what was given is not shown"),
    (ACME + f'{ACME_KEY} = "x"', "'***' is no setting of an account."),
    (f'[accounts.acme]\nkey = "{ACME_KEY}"', "'key' is no setting of an account."),
    (f'[accounts."{ACME_KEY} "]\napi_key = "{ACME_KEY}"', "The name '*** '"),
    (f'{ACME_KEY} = "{ACME_KEY}"', "The setting '***' is not known"),
    (f'accounts = "{ACME_KEY}"', "'accounts' is a text"),
    (f'[accounts]\nacme = "{ACME_KEY}"', "Account 'acme': it is a text"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_what_is_wrong_is_said_in_a_sentence_without_a_secret(
    tmp_path: Path, text: str, sentence: str
) -> None:
    assert sentence in refused(tmp_path, text)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    sentence = refused(tmp_path, '[acounts]\n[accounts.a]\npod = "!"\n[accounts."b c"]')
    for part in ("'acounts'", "setting 'pod'", "'b c'"):
        assert part in sentence


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a = '\xff'", b"\x80", b"\0", b"a\0\0\0b"])
def test_what_is_no_text_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content).startswith(("This configuration file cannot", "This file is"))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    assert "has more than 1,000,000 bytes." in refused(tmp_path, b"#" * 1_000_001)


UNREAD: list[tuple[dict[str, Any], str]] = [
    ({"api_key_env": "NO_SUCH_VARIABLE"}, "variable NO_SUCH_VARIABLE that 'api_key_env' names is"),
    ({"api_key_env": "EMPTY"}, "the variable EMPTY that 'api_key_env' names is empty."),
    ({"api_key_env": "TWO_WORDS"}, "'api_key', as 'api_key_env' gives it, is not accepted"),
    ({"api_key_env": ACME_KEY}, "'api_key_env' is not the name of a variable of the environment"),
    ({"api_key_env": "A=B"}, "'api_key_env' is not the name of a variable"),
    ({"api_key_file": "no.key"}, "/no.key that 'api_key_file' names does not exist."),
    ({"api_key_file": "no/such.key"}, "/no/such.key that 'api_key_file' names does not exist."),
    ({"api_key_file": "config.toml/x"}, "/config.toml/x that 'api_key_file' names does not exist."),
    ({"api_key_file": ACME_KEY}, "/*** that 'api_key_file' names does not exist."),
    (
        {"api_key_file": "~nobody-here/x"},
        "names is in the home of a user that there is not.",
    ),
    ({"api_key_file": "a\0b"}, "that 'api_key_file' names is no path"),
    ({"api_key_file": "x" * 300 + ".k"}, "that 'api_key_file' names cannot be read: File name too"),
    ({"api_key_file": "."}, "that 'api_key_file' names is a folder."),
    ({"api_key_file": "/dev/zero"}, "/dev/zero that 'api_key_file' names is no regular file."),
    ({"api_key_file": "empty.key"}, "/empty.key that 'api_key_file' names is empty."),
    ({"api_key_file": "blank.key"}, "/blank.key that 'api_key_file' names is empty."),
    ({"api_key_file": "binary.key"}, "/binary.key that 'api_key_file' names cannot be read: it is"),
    ({"api_key_file": "large.key"}, "/large.key that 'api_key_file' names has more than 4,096"),
    ({"api_key_file": "two.key"}, "'api_key', as 'api_key_file' gives it, is not accepted"),
    ({"api_key_file": "open.key"}, "that 'api_key_file' names may be read or changed by others"),
    ({"api_key_file": "loop.key"}, "/loop.key that 'api_key_file' names cannot be read: Too many"),
]


@pytest.mark.parametrize(("source", "sentence"), UNREAD)
def test_a_key_that_cannot_be_read_is_told_of_with_its_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: dict[str, str], sentence: str
) -> None:
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("TWO_WORDS", f"{ACME_KEY} x")
    contents = {
        "empty.key": b"",
        "blank.key": b" \n",
        "binary.key": b"\xff\xfe\xff",
        "large.key": ACME_KEY.encode() * 1000,
        "two.key": f"{ACME_KEY}\n{ACME_KEY}\n".encode(),
        "open.key": ACME_KEY.encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o640 if name == "open.key" else 0o600)
    (tmp_path / "loop.key").symlink_to(tmp_path / "loop.key")
    ((key, value),) = source.items()
    escaped = value.replace("\0", "\\u0000")
    path = write(tmp_path, f'[accounts.acme]\n{key} = "{escaped}"')
    file = load(str(path))  # whoever uses another account need not have this key
    account = file.accounts["acme"]
    watch(repr(file), repr(account), account.key_source.origin, repr(account.key_source))
    with pytest.raises(ConfigFileError) as caught:
        account.connection()
    text = said(caught.value, path)
    assert text.startswith("Account 'acme': ")
    assert sentence in text
    assert said(caught.value, path) == " ".join(caught.value.problems)


def test_nothing_that_is_shown_of_a_file_holds_a_secret(tmp_path: Path) -> None:
    text = f'{ACME}webhook_user = "u"\nwebhook_password = "{HOOK}"\n[server]\nx = "{HOOK}"'
    file = loaded(tmp_path, text)
    account = file.accounts["acme"]
    shown = (repr(file), str(file), f"{file!r:>9}", repr(account), str(account))
    watch(*shown, repr(account.key_source), repr(account.password_source), repr(file.accounts))
    assert repr(file) == f"ConfigFile('{tmp_path / 'config.toml'}', accounts=['acme'])"
    assert repr(account) == "Account('acme')"


@pytest.mark.parametrize("name", ["a\nb.toml", "a\x1b[31mb.toml"])
def test_what_would_upset_a_terminal_is_written_as_escapes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("x", encoding="utf-8")
    with pytest.raises(ConfigFileError) as caught:
        load(str(path))
    assert str(caught.value).isprintable()


def test_a_working_folder_that_is_gone_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigFileError):
        load("config.toml")
    monkeypatch.chdir(Path("/"))
