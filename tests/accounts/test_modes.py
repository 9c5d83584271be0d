"""Who may read a file that holds a secret: its owner alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tap_insightly.config_file import ConfigFileError, load
from tests.accounts.writing import ACME_KEY, HOOK, loaded, refused, said, write

if TYPE_CHECKING:
    from pathlib import Path

INLINE = f'[accounts.acme]\napi_key = "{ACME_KEY}"\n'
HOOK_INLINE = (
    f'[accounts.acme]\napi_key_env = "K"\nwebhook_user = "u"\nwebhook_password = "{HOOK}"\n'
)
BY_NAME = '[accounts.acme]\napi_key_env = "K"\n'
OPEN = [0o644, 0o640, 0o604, 0o620, 0o660, 0o611, 0o444, 0o755]
PRIVATE = [0o600, 0o400, 0o700, 0o500]


@pytest.fixture
def others_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has files of this test belong to another user."""
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)


@pytest.mark.parametrize("text", [INLINE, HOOK_INLINE], ids=["api_key", "webhook_password"])
@pytest.mark.parametrize("mode", OPEN)
def test_a_secret_in_a_file_that_others_may_read_is_refused(
    tmp_path: Path, text: str, mode: int
) -> None:
    name = "api_key" if text == INLINE else "webhook_password"
    path = tmp_path / "config.toml"
    assert refused(tmp_path, text, mode) == (
        f"This file holds '{name}', and others may read or change it (mode {mode:03o}): "
        f"run chmod 600 {path}."
    )


@pytest.mark.parametrize("text", [INLINE, HOOK_INLINE, BY_NAME])
@pytest.mark.parametrize("mode", PRIVATE)
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, text: str, mode: int) -> None:
    assert loaded(tmp_path, text, mode).accounts


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o640, 0o444])
def test_a_file_without_secrets_may_be_read_by_others(tmp_path: Path, mode: int) -> None:
    assert loaded(tmp_path, BY_NAME, mode).accounts


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o777])
def test_a_file_that_everybody_may_change_is_refused(tmp_path: Path, mode: int) -> None:
    # Whoever can change the address of an account gets its key.
    sentence = refused(tmp_path, BY_NAME, mode)
    assert sentence.startswith(f"Everybody may change this file (mode {mode:03o}): run chmod 600 ")


def test_what_there_is_to_paste_is_quoted_for_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    assert "run chmod 600 '/" in refused(folder, INLINE, 0o644)


def test_a_link_counts_by_what_it_leads_to(tmp_path: Path) -> None:
    target = write(tmp_path, INLINE, 0o644)
    link = tmp_path / "link.toml"
    link.symlink_to(target)
    with pytest.raises(ConfigFileError) as caught:
        load(str(link))
    assert "(mode 644)" in said(caught.value, link)
    target.chmod(0o600)
    assert load(str(link)).accounts


def test_a_link_that_leads_nowhere_is_a_file_that_is_not_there(tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigFileError, match="does not exist"):
        load(str(link))


@pytest.mark.parametrize("mode", [*OPEN, *PRIVATE])
def test_a_file_with_a_key_is_read_if_nobody_else_may(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "acme.key"
    key.write_text(ACME_KEY, encoding="utf-8")
    key.chmod(mode)
    path = write(tmp_path, '[accounts.acme]\napi_key_file = "acme.key"', 0o644)
    account = load(str(path)).accounts["acme"]
    if mode in PRIVATE:
        assert account.api_key() == ACME_KEY
        return
    with pytest.raises(ConfigFileError) as caught:
        account.api_key()
    text = said(caught.value, path)
    assert f"may be read or changed by others (mode {mode:03o}): run chmod 600 {key}." in text


@pytest.mark.usefixtures("others_file")
@pytest.mark.parametrize(("mode", "is_read"), [(0o440, True), (0o400, True), (0o444, False)])
def test_a_key_that_another_user_hands_to_our_group_is_read(
    tmp_path: Path, mode: int, *, is_read: bool
) -> None:
    # As systemd and Kubernetes give secrets to a service, which cannot change these modes.
    key = tmp_path / "acme.key"
    key.write_text(ACME_KEY, encoding="utf-8")
    key.chmod(mode)
    account = loaded(tmp_path, '[accounts.acme]\napi_key_file = "acme.key"').accounts["acme"]
    if is_read:
        assert account.api_key() == ACME_KEY
        return
    with pytest.raises(ConfigFileError, match="may be read or changed by others"):
        account.api_key()


@pytest.mark.usefixtures("others_file")
def test_a_configuration_file_with_a_secret_is_not_for_a_group(tmp_path: Path) -> None:
    assert "(mode 640)" in refused(tmp_path, INLINE, 0o640)


def test_where_there_are_no_modes_none_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, INLINE, 0o666)
    text = str(path)
    monkeypatch.setattr("tap_insightly.private_files.HAS_MODES", False)
    assert load(text).accounts


def test_other_secrets_in_the_file_ask_for_the_same(tmp_path: Path) -> None:
    file = loaded(tmp_path, '[server]\nredis_url = "redis://:x@h"', 0o644)
    with pytest.raises(ConfigFileError, match=r"holds 'redis_url', and others may read"):
        file.require_private("'redis_url'")
    loaded(tmp_path, '[server]\nredis_url = "redis://:x@h"').require_private("'redis_url'")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_of(tmp_path: Path) -> None:
    assert refused(tmp_path, BY_NAME, 0o000) == (
        "This configuration file cannot be read: Permission denied."
    )


def test_an_error_of_the_system_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.symlink_to(path)
    with pytest.raises(ConfigFileError) as caught:
        load(str(path))
    sentence = said(caught.value, path)
    assert sentence == "This configuration file cannot be read: Too many levels of symbolic links."


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_told_of_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.toml"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(ConfigFileError) as caught:
        load(str(path))
    what = "a folder" if kind == "folder" else "no regular file"
    assert said(caught.value, path) == f"This configuration file is {what}."
