"""Who may deliver webhooks: a user and a password for each account, never the API key."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Credentials:
    """What a workflow of Insightly is given to authenticate with."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        """Take no credentials that nobody has to know, or nobody could send.

        Raises:
            ValueError: If the user or the password is empty, or the user has a colon.
        """
        if not self.user or not self.password or ":" in self.user:
            msg = "a user without a colon and a password are needed, and neither may be empty"
            raise ValueError(msg)


class Guard:
    """Compares credentials, in a time that tells nothing of them, nor of which accounts exist."""

    def __init__(self, accounts: Mapping[str, Credentials]) -> None:
        """Keep no credentials, but what they are compared with."""
        self._secret = secrets.token_bytes(32)
        self._known = {name: self._digests(one) for name, one in accounts.items()}
        self._nobody = (secrets.token_bytes(32),) * 2

    def admits(self, account: str, authorization: Sequence[str]) -> bool:
        """Tell whether the headers ``Authorization`` of a request are those of an account."""
        given = self._digest(_basic(authorization[0]) if len(authorization) == 1 else b"")
        known = self._known.get(account, self._nobody)
        # Both are always compared: a user with an umlaut comes in either encoding.
        found = [hmac.compare_digest(given, one) for one in known]
        return any(found)

    def _digests(self, one: Credentials) -> tuple[bytes, bytes]:
        text = f"{one.user}:{one.password}"
        utf8 = text.encode()
        try:
            return self._digest(utf8), self._digest(text.encode("latin-1"))
        except UnicodeEncodeError:
            return (self._digest(utf8),) * 2

    def _digest(self, content: bytes) -> bytes:
        """Make all of one length, which comparing would tell otherwise."""
        return hmac.digest(self._secret, content, "sha256")


def _basic(header: str) -> bytes:
    """Take user and password out of a header; nothing if it has none."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip().encode("latin-1"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
