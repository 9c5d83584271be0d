"""Configuration files of tests, and a watch on the secrets in them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tap_insightly.config_file import ConfigFile, ConfigFileError, load

if TYPE_CHECKING:
    from pathlib import Path

ACME_KEY = "4c1e-key-of-acme-never-to-be-seen-77"
BETA_KEY = "9b20-key-of-beta-never-to-be-seen-31"
HOOK = "5f7a-hook-never-to-be-seen-19"
SECRETS = (ACME_KEY, BETA_KEY, HOOK)


def write(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    """Write a configuration file."""
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def loaded(folder: Path, text: str | bytes, mode: int = 0o600) -> ConfigFile:
    """Write a configuration file, and read it."""
    return load(str(write(folder, text, mode)))


def refused(folder: Path, text: str | bytes, mode: int = 0o600) -> str:
    """What is said of a configuration file that is not accepted, after its name."""
    path = write(folder, text, mode)
    with pytest.raises(ConfigFileError) as caught:
        load(str(path))
    return said(caught.value, path)


def said(error: ConfigFileError, path: Path) -> str:
    """What an error says, after the name of the file; without a secret, in whole sentences."""
    text = str(error)
    watch(text, repr(error))
    assert text.startswith(f"{path}: ")
    assert text.isprintable()
    assert text.endswith((".", "?"))
    return text.removeprefix(f"{path}: ")


def watch(*texts: str) -> None:
    """Fail if a text holds a secret of these tests, plain or as it goes over the wire."""
    for text in texts:
        for secret in SECRETS:
            assert secret not in text, "a secret was printed"
            assert base64.b64encode(f"{secret}:".encode()).decode() not in text
