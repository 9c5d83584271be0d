"""Who a client is, and what it may do."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import TYPE_CHECKING

from tap_insightly.server.gateway.answers import Refusal
from tap_insightly.server.gateway.paths import is_about, names_of_objects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tap_insightly.server.gateway.paths import Target
    from tap_insightly.server.gateway.tokens import Token, TokenStore

READING = ("GET", "HEAD")
METHODS = (*READING, "POST", "PUT", "DELETE")
_LONGEST = 1_000  # characters of an Authorization header

_names = lru_cache(maxsize=1_000)(names_of_objects)


def client_of(headers: Iterable[tuple[bytes, bytes]], tokens: TokenStore) -> Token:
    """Find the client by its token.

    Args:
        headers: What the client sent.
        tokens: All tokens.

    Returns:
        The client.

    Raises:
        Refusal: If there is no such token.
    """
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        msg = (
            "A token of this gateway is needed: as the user name of Basic authentication, where "
            "an API key of Insightly would be, or as Authorization: Bearer TOKEN."
        )
        raise Refusal(401, msg)
    text = _token_in(given[0]) if len(given) == 1 else None
    found = tokens.find(text) if text else None
    if found is None:
        msg = (
            "This gateway does not know the token, or it was revoked. Ask whoever runs the "
            "gateway for another one. An API key of Insightly is no token."
        )
        raise Refusal(401, msg)
    return found


def check(token: Token, method: str, target: Target, accounts: Collection[str]) -> None:
    """Refuse what a client may not do.

    Raises:
        Refusal: If it may not.
    """
    if token.account not in accounts:
        msg = (
            f"The token '{token.name}' is for the account '{token.account}', which is no longer "
            "in the gateway's configuration. Ask whoever runs the gateway."
        )
        raise Refusal(401, msg)
    if method not in METHODS:
        allowed = ", ".join(METHODS)
        raise Refusal(405, f"The API has no method {method[:20]!r}.", allow=allowed)
    if token.is_read_only and method not in READING:
        msg = f"The token '{token.name}' may only read: {method} is not allowed."
        raise Refusal(403, msg)
    if token.objects is not None and not is_about(target, _names(token.objects)):
        msg = (
            f"The token '{token.name}' may not reach {target.path}, only: "
            f"{', '.join(sorted(token.objects))}."
        )
        raise Refusal(403, msg)


def _token_in(value: bytes) -> str | None:
    """Take the token out of a header; of Basic, it is the user name, whatever the password is."""
    if len(value) > _LONGEST:
        return None
    scheme, _, rest = value.decode("latin-1").strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None
