"""Where a secret of an account comes from: a variable, a file of its own, or the settings."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.private_files import FileProblem, ReadFile, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tap_insightly.config_schema import Setting

MOST_BYTES = 4096  # of a file with a secret
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_LIKE = re.compile(r"[A-Za-z0-9_+=-]{16,}")
_SHORTEST_HIDDEN = 4  # characters; less would be found in any sentence


class SecretError(ValueError):
    """A secret cannot be had; the text is a sentence that says why."""


@dataclass(frozen=True)
class SecretSource:
    """Where one secret comes from; it is not read before it is needed."""

    setting: Setting
    """The setting whose value it is."""
    key: str
    """Under which name the source stands in the settings, such as ``api_key_env``."""
    value: str = field(repr=False)
    folder: Path
    """What relative paths begin with."""

    @property
    def is_inline(self) -> bool:
        """Whether the secret itself is in the settings."""
        return self.key == self.setting.name

    @property
    def origin(self) -> str:
        """Where the secret comes from, in a few words, without the secret."""
        if self.is_inline:
            return "the configuration file"
        kind = "variable" if self._is_variable else "file"
        return kind if may_be_secret(self.value) else f"{kind} {self.value}"

    def read(self) -> str:
        """Read the secret.

        Raises:
            SecretError: If there is none, if it is not accepted, or if others may read it, too.
        """
        if self.is_inline:
            secret = self.value
        else:
            secret = self._from_variable() if self._is_variable else self._from_file()
        if not self.setting.accepts(secret):
            where = "" if self.is_inline else f", as '{self.key}' gives it,"
            msg = (
                f"'{self.setting.name}'{where} is not accepted, and not shown here; accepted is "
                f"{self.setting.accepted}."
            )
            raise SecretError(msg)
        return secret

    @property
    def _is_variable(self) -> bool:
        return self.key.endswith("_env")

    def _from_variable(self) -> str:
        what = f"the variable {self.value} that '{self.key}' names"
        if not _VARIABLE.fullmatch(self.value):
            msg = (
                f"'{self.key}' is not the name of a variable of the environment, such as ACME_KEY; "
                "what was given is not shown here, as it may be the secret itself."
            )
            raise SecretError(msg)
        found = os.environ.get(self.value)
        if not found:
            msg = f"{what} is {'not set' if found is None else 'empty'}."
            raise SecretError(msg)
        return found

    def _from_file(self) -> str:
        path = self.value
        try:
            place = resolved(self.value, self.folder)
            path = str(place)
            return private_text(place)
        except (FileNotFoundError, FileProblem) as error:
            msg = f"the file {path} that '{self.key}' names {error}."
            raise SecretError(msg) from None


def private_text(path: Path) -> str:
    """Read a file with a secret, which nobody else may read.

    Raises:
        FileNotFoundError: If there is none.
        FileProblem: If it cannot be read, is empty, or may be read by others.
    """
    file = ReadFile(path, MOST_BYTES)
    if not file.is_handed_over:
        msg = f"may be read or changed by others {file.openness}"
        raise FileProblem(msg)
    if not (text := file.text.strip()):
        msg = "is empty"
        raise FileProblem(msg)
    return text


def source_of(setting: Setting, table: Mapping[str, Any], folder: Path) -> SecretSource | None:
    """Find the one source of a secret in a table of settings; None if there is none.

    Raises:
        SecretError: If there are several, or if it is no text, or empty.
    """
    given = [key for key in keys_of(setting.name) if key in table]
    if not given:
        return None
    if len(given) > 1:
        listed = " and ".join(map(repr, given))
        msg = f"{listed} are given; keep one of them."
        raise SecretError(msg)
    (key,) = given
    value = table[key]
    if not isinstance(value, str):
        msg = f"'{key}' is no text; what was given is not shown here."
        raise SecretError(msg)
    if not value.strip():
        msg = f"'{key}' is empty."
        raise SecretError(msg)
    return SecretSource(setting, key, value, folder)


def keys_of(name: str) -> tuple[str, str, str]:
    """Name the settings that a secret can come from."""
    return name, f"{name}_env", f"{name}_file"


def may_be_secret(text: str) -> bool:
    """Tell whether a text looks like a key, which somebody has put into the wrong place."""
    has_digit = any(one.isdigit() for one in text)
    return bool(_KEY_LIKE.fullmatch(text)) and has_digit and not text.isupper()


def secrets_in(value: object, names: tuple[str, ...], name: str = "") -> Iterator[str]:
    """Find in a document all texts that are secrets, by their names or by their looks."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from like_secrets(key)
            yield from secrets_in(inner, names, name if name in names else key)
    elif isinstance(value, list):
        for inner in value:
            yield from secrets_in(inner, names, name)
    elif isinstance(value, str) and value:
        if name in names:
            yield value
        # The parts of a path may look like anything.
        if not (name.endswith("_file") and "/" in value):
            yield from like_secrets(value)


def like_secrets(text: str) -> Iterator[str]:
    """Find in a text what looks like a key."""
    return filter(may_be_secret, _KEY_LIKE.findall(text))


def secrets_in_text(text: str, names: tuple[str, ...]) -> Iterator[str]:
    """Find what looks like a secret in a document that cannot be read."""
    yield from like_secrets(text)
    alternatives = "|".join(map(re.escape, names))
    for match in re.finditer(rf"\b(?:{alternatives})\b[\"']?\s*=\s*(\S.*)", text):
        yield match[1].strip().strip("\"'")


def without_secrets(text: str, secrets: frozenset[str]) -> str:
    """Replace secrets in a sentence, however they are written there."""
    for secret in sorted(secrets, key=len, reverse=True):
        for written in (secret, repr(secret)[1:-1]):
            if len(written) >= _SHORTEST_HIDDEN:
                text = text.replace(written, "***")
    return text
