"""The key that goes with each request."""

from __future__ import annotations

import base64

from requests.auth import HTTPBasicAuth

_HIDDEN = "***"


class ApiKeyAuth(HTTPBasicAuth):
    """HTTP Basic with the API key as user name and an empty password (docs, seen live)."""

    def __init__(self, api_key: str) -> None:
        """Take the key.

        Args:
            api_key: The user's API key.
        """
        super().__init__(api_key, "")
        encoded = base64.b64encode(f"{api_key}:".encode()).decode()
        self.header = f"Basic {encoded}"
        """What ``Authorization`` is, for clients other than requests."""
        self._secrets = (api_key, encoded.rstrip("="))

    def hide(self, thing: object) -> str:
        """Say something without the key, whatever a server or a library put into it.

        Args:
            thing: What may hold the key, plain or as it goes over the wire.

        Returns:
            Its text, with asterisks in place of the key.
        """
        text = str(thing)
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def hide_in_bytes(self, content: bytes) -> bytes:
        """Do as `hide` does, in bytes.

        Args:
            content: What may hold the key.

        Returns:
            The bytes, with asterisks in place of the key.
        """
        for secret in self._secrets:
            content = content.replace(secret.encode(), _HIDDEN.encode())
        return content

    def __repr__(self) -> str:
        """Show that there is a key, not which."""
        return "ApiKeyAuth(***)"
