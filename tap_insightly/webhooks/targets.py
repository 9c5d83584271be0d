"""Who is told of events: an address that they are posted to, or a command that gets them."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
from abc import abstractmethod
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import requests
from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.transport import breakable_session, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONNECT_SECONDS = 10.0
_MOST_READ = 65_536  # bytes of an answer that are worth keeping a connection for
_SHORTEST_SECRET = 4  # characters; parts of an address that are shorter are no secrets


class HandOnError(Exception):
    """An event was not taken; the text says why, and goes on after "it"."""


class InvalidTargetError(ValueError):
    """There is no such target; the text says why."""


class Target(Closeable):
    """One who is told of events."""

    name: str
    """By default, the name under which it is noted how far it was told."""

    shown: str
    """What people are shown of it: nothing that is secret."""

    @abstractmethod
    def hand_on(self, content: bytes, key: str) -> None:
        """Tell it of one event.

        Args:
            content: The event, JSON.
            key: The same if the event is handed on again.

        Raises:
            HandOnError: If it does not take it.
        """

    @override
    def close(self) -> None:
        """End what was begun."""


class UrlTarget(Target):
    """Posts events to an address. What it answers, but for 2xx, is a failure that may pass.

    Also 4xx: a password that is changed or a receiver that is not set up yet is put right by
    people within the day, and an event that no one takes does not keep up those of other records.
    """

    def __init__(self, url: str, seconds: float) -> None:
        """Take an address, and how long it may take for each event.

        Raises:
            InvalidTargetError: If it is no address.
        """
        try:
            parts = urlsplit(url)
            is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
            port = parts.port
        except ValueError:
            is_valid = False
        if not is_valid or not url.isprintable() or " " in url:
            msg = "The address must be one of http:// or https://, with a host."
            raise InvalidTargetError(msg)
        host = parts.hostname or ""
        address = host if port is None else f"{host}:{port}"
        self.shown = f"{parts.scheme}://{address}"
        self.name = _default_name(host, url)
        self._url = url
        self._seconds = seconds
        self._secrets = list(_secrets_of(url))
        self._session, self._adapter = breakable_session(1)

    @override
    def hand_on(self, content: bytes, key: str) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        # The time-out of requests is one for each piece of an answer; this one is for all.
        is_late = threading.Event()

        def break_off() -> None:
            is_late.set()
            self._adapter.break_off()

        guard = threading.Timer(self._seconds, break_off)
        guard.daemon = True
        guard.start()
        try:
            with self._session.post(
                self._url,
                content,
                headers=headers,
                timeout=(min(_CONNECT_SECONDS, self._seconds), self._seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                if is_late.is_set():  # what looks like the end of its headers is none
                    raise HandOnError(self._late())
                _check(response.status_code)
                with contextlib.suppress(Exception):  # whatever follows, it was taken
                    response.raw.read(_MOST_READ)
        except requests.RequestException as error:
            text = self._late() if is_late.is_set() else self._reason(error)
            raise HandOnError(text) from None
        finally:
            guard.cancel()

    def _late(self) -> str:
        return f"did not answer within {self._seconds:g} seconds"

    def _reason(self, error: Exception) -> str:
        text = reason_of(error)
        if any(secret in text for secret in self._secrets):
            text = type(error).__name__
        return f"could not be reached: {text.rstrip('.')}"

    @override
    def close(self) -> None:
        self._session.close()


class CommandTarget(Target):
    """Runs a command for each event, which gets it on standard input; exit code 0 takes it."""

    def __init__(self, command: str, seconds: float) -> None:
        """Take a command as a shell would split it, and how long it may take for each event.

        Raises:
            InvalidTargetError: If there is no such program.
        """
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            msg = f"The command cannot be read: {error}."
            raise InvalidTargetError(msg) from None
        program = self._arguments[0] if self._arguments else ""
        if shutil.which(program) is None:
            msg = f"There is no program '{program}' to run."
            raise InvalidTargetError(msg)
        self.shown = program
        self.name = _default_name(Path(program).name, command)
        self._seconds = seconds

    @override
    def hand_on(self, content: bytes, key: str) -> None:
        try:
            # In a session of its own: a Ctrl-C that ends this program does not cut it off.
            process = subprocess.Popen(  # noqa: S603 - the command of the user
                self._arguments,
                stdin=subprocess.PIPE,
                env={**os.environ, "INSIGHTLY_EVENT_KEY": key},
                start_new_session=True,
            )
        except OSError as error:
            msg = f"could not be started: {error.strerror or error}"
            raise HandOnError(msg) from None
        try:
            process.communicate(content + b"\n", timeout=self._seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            msg = f"took longer than {self._seconds:g} seconds"
            raise HandOnError(msg) from None
        except BaseException:
            _end(process)
            raise
        if process.returncode < 0:
            msg = f"was ended by signal {-process.returncode}"
            raise HandOnError(msg)
        if process.returncode:
            msg = f"ended with exit code {process.returncode}"
            raise HandOnError(msg)


def _check(status: int) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    msg = f"answered {status}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        msg += ", which leads elsewhere: give the address that it leads to"
    raise HandOnError(msg)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _default_name(start: str, whole: str) -> str:
    """Make a name that tells two targets apart, and nothing secret."""
    return f"{start}-{sha256(whole.encode(errors='replace')).hexdigest()[:8]}"


def _secrets_of(url: str) -> Iterator[str]:
    """Give the parts of an address that may be secret, as they are written and as it is meant."""
    parts = urlsplit(url)
    given = (parts.username, parts.password, parts.query, parts.path, *parts.path.split("/"))
    for part in given:
        if part and len(part) >= _SHORTEST_SECRET:
            yield part
            yield unquote(part)
