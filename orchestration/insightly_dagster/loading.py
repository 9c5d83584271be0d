"""One account is loaded: the tap's process, the target's, and what is kept of both."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from insightly_dagster.folder import AccountFolder, Loaded, utc_now
from insightly_dagster.messages import Changes

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

USAGE, TRY_AGAIN, KEY_REFUSED = 2, 75, 77
"""Exit codes of the tap, as its documents have them."""

SECONDS_TO_END = 60  # for a target that was told that nothing more comes
_SECONDS_BETWEEN_STATES = 1.0  # that are written to disk
_RESET = re.compile(r"\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\)")
_ERROR = re.compile(r"(?:\| (?:ERROR|CRITICAL) +\| \S+ +\| |^Error: )(.+)")


class LoadError(Exception):
    """An account was not loaded to the end; the text says why."""


class TryLaterError(LoadError):
    """The same may do well later."""

    def __init__(self, text: str, retry_at: datetime | None) -> None:
        """Say when, if that is known."""
        super().__init__(text)
        self.retry_at = retry_at


@dataclass(frozen=True)
class Programs:
    """How tap and target are run; ``{account}`` stands for the name of the account."""

    tap: Sequence[str]
    target: Sequence[str]
    tap_settings: Mapping[str, Any] = field(default_factory=dict)
    target_settings: Mapping[str, Any] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Variables of the environment that hold keys, which no target needs."""
    catalog_hours: float = 24

    def tap_environment(self, account: str, own: Mapping[str, str]) -> dict[str, str]:
        """Say what the tap finds in its environment; the account's key is there by its own name."""
        settings = self._variables(self.tap_settings, "TAP_INSIGHTLY", account)
        return {**os.environ, **settings, "TAP_INSIGHTLY_ACCOUNT": account, **own}

    def target_command(self, account: str) -> list[str]:
        """Say how the target is started."""
        command = [part.replace("{account}", account) for part in self.target]
        return command if "--config" in command else [*command, "--config=ENV"]

    def target_environment(self, account: str) -> dict[str, str]:
        """Say what the target finds in its environment: no key of Insightly."""
        name = Path(self.target[0]).stem.upper().replace("-", "_")
        theirs = {k: v for k, v in os.environ.items() if k not in self.hidden}
        return theirs | self._variables(self.target_settings, name, account)

    def target_name(self, account: str) -> str:
        """Tell one target from another, and one place where it loads to from another."""
        what = [self.target_command(account), sorted(self.target_settings.items())]
        return hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:16]

    @staticmethod
    def _variables(settings: Mapping[str, Any], prefix: str, account: str) -> dict[str, str]:
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings.items()}
        return {f"{prefix}_{k.upper()}": v.replace("{account}", account) for k, v in texts.items()}


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    sent: Counter[str]
    """How many records the target was sent, by stream."""
    report: Mapping[str, Any]
    """What the tap says of it: see its setting ``report_file``."""
    seconds: float
    is_target_started: bool


def load(
    account: str,
    programs: Programs,
    folder: AccountFolder,
    own: Mapping[str, str],
    streams: Sequence[str] | None,
) -> Outcome:
    """Load what is new in an account.

    Args:
        account: Its name.
        programs: How tap and target are run.
        folder: Where its state is.
        own: Variables for the tap alone.
        streams: Which streams; None for those that the tap selects by itself.

    Returns:
        What was done.

    Raises:
        BusyError: If another run of the account is going on.
        TryLaterError: If Insightly or the network allow no more now.
        LoadError: If it failed otherwise.
    """
    with folder.one_run() as lock:
        return _Run(account, programs, folder, own, lock).load(streams)


class _Run:
    def __init__(
        self,
        account: str,
        programs: Programs,
        folder: AccountFolder,
        own: Mapping[str, str],
        lock: int,
    ) -> None:
        self._account, self._programs, self._folder = account, programs, folder
        self._lock = lock
        self._env = programs.tap_environment(account, own)
        try:
            self._loaded = folder.loaded()
        except ValueError as error:
            raise LoadError(str(error)) from None
        name = programs.target_name(account)
        if self._loaded.target != name:
            self._loaded = Loaded(self._loaded.state, {}, name)
        self._target: _Target | None = None

    def load(self, streams: Sequence[str] | None) -> Outcome:
        started = time.monotonic()
        command = [*self._programs.tap, "--config=ENV", "--catalog", str(self._catalog(streams))]
        if self._loaded.state is not None:
            command += ["--state", str(self._folder.state_file)]
        self._folder.report_file.unlink(missing_ok=True)
        env = self._env | {"TAP_INSIGHTLY_REPORT_FILE": str(self._folder.report_file)}
        changes = Changes(dict(self._loaded.sent), self._send, self._keep, self._begin)
        with _process(command, env) as (tap, tap_said):
            try:
                assert tap.stdout
                for line in tap.stdout:
                    changes.take(line)
                changes.settle()
            except BrokenPipeError:  # the target says why
                tap.terminate()
            except ValueError as error:
                tap.terminate()
                msg = f"The tap wrote something that is no message: {error}."
                raise LoadError(msg) from None
            finally:
                self._end_target()
            code = tap.wait()
        if self._target is not None and self._target.code:
            msg = f"The target failed (exit code {self._target.code}): {self._target.said.text}"
            raise LoadError(msg)
        self._loaded.sent = changes.digests
        self._folder.keep(self._loaded)
        if code:
            raise _error(code, tap_said.text)
        report = json.loads(self._folder.report_file.read_bytes())
        seconds = time.monotonic() - started
        return Outcome(changes.records, report, seconds, self._target is not None)

    # The catalog

    def _catalog(self, streams: Sequence[str] | None) -> Path:
        """Have a catalog that is not too old, and select in it."""
        file = self._folder.catalog_file
        oldest = time.time() - self._programs.catalog_hours * 3600
        if not file.exists() or file.stat().st_mtime < oldest:
            self._folder.write_catalog(self._discovered())
        if streams is None:
            return file
        catalog = json.loads(file.read_bytes())
        wanted = set(streams)
        for entry in catalog["streams"]:
            for one in entry["metadata"]:
                if not one["breadcrumb"]:
                    one["metadata"]["selected"] = entry["tap_stream_id"] in wanted
        if missing := wanted - {entry["tap_stream_id"] for entry in catalog["streams"]}:
            msg = f"The account has no stream {', '.join(sorted(missing))}."
            raise LoadError(msg)
        selected = self._folder.path / "selected.json"
        selected.write_text(json.dumps(catalog), encoding="utf-8")
        return selected

    def _discovered(self) -> Any:  # noqa: ANN401 - JSON
        command = [*self._programs.tap, "--config=ENV", "--discover"]
        with _process(command, self._env) as (tap, said):
            assert tap.stdout
            text = tap.stdout.read()
            code = tap.wait()
        if code:
            raise _error(code, said.text)
        return json.loads(text)

    # The target

    def _send(self, line: bytes) -> None:
        if self._target is None:
            env = self._programs.target_environment(self._account)
            self._target = _Target(
                self._programs.target_command(self._account), env, self._lock, self._emitted
            )
        self._target.stdin.write(line)

    def _begin(self, stream: str) -> None:
        """Forget what the target was sent of a stream, before it gets anything else."""
        if self._loaded.sent.pop(stream, None) is not None:
            self._folder.keep(self._loaded)

    def _keep(self, value: bytes) -> None:
        """Take over a state that the target need not hear of: it has all that this covers."""
        self._loaded.state = json.loads(value)

    def _emitted(self, line: bytes, *, is_last: bool) -> None:
        with suppress(ValueError):  # what was cut off when the target was killed
            self._loaded.state = json.loads(line)
            if is_last or time.monotonic() - self._kept_at > _SECONDS_BETWEEN_STATES:
                self._kept_at = time.monotonic()
                self._folder.keep(self._loaded)

    _kept_at = 0.0

    def _end_target(self) -> None:
        if self._target is not None:
            self._target.end()


class _Target:
    """A target that is running."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        lock: int,
        emitted: Any,  # noqa: ANN401
    ) -> None:
        self._process = _start(command, env, stdin=subprocess.PIPE, lock=lock)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self.stdin = self._process.stdin
        self.said = _Said(self._process.stderr)
        self.code: int | None = None
        self._emitted = emitted
        self._reader = threading.Thread(target=self._read, args=[self._process.stdout])
        self._reader.start()

    def _read(self, stdout: IO[bytes]) -> None:
        last = b""
        with stdout:
            for line in stdout:
                if line.endswith(b"\n") and line.strip():
                    last = line
                    self._emitted(line, is_last=False)
        if last:
            self._emitted(last, is_last=True)

    def end(self) -> None:
        """Tell it that nothing more comes, and let it load what it has."""
        with suppress(BrokenPipeError):
            self.stdin.close()
        self.code = self._process.wait()
        self._reader.join()
        self.said.join()


class _Said:
    """Passes on what a program says, and remembers the end of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._last: deque[str] = deque(maxlen=30)
        self._thread = threading.Thread(target=self._read, args=[stream], daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                text = line.decode(errors="replace").rstrip()
                self._last.append(text)
                with suppress(OSError, ValueError):
                    sys.stderr.write(f"{text}\n")

    def join(self) -> None:
        self._thread.join()

    @property
    def text(self) -> str:
        """Its errors; or, if it told of none, the last that it said."""
        self.join()
        errors = [found[1] for line in self._last if (found := _ERROR.search(line))]
        return " ".join(errors) or next((line for line in reversed(self._last) if line), "")


def _start(
    command: Sequence[str], env: Mapping[str, str], *, stdin: int, lock: int | None = None
) -> subprocess.Popen[bytes]:
    kept = () if lock is None or sys.platform == "win32" else (lock,)
    try:
        return subprocess.Popen(  # noqa: S603 - what the user has set up
            command,
            env=dict(env),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=kept,
        )
    except OSError as error:
        msg = f"{command[0]} cannot be started: {error.strerror or error}."
        raise LoadError(msg) from None


@contextmanager
def _process(
    command: Sequence[str], env: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], _Said]]:
    """Run the tap; it does not outlive the context."""
    process = _start(command, env, stdin=subprocess.DEVNULL)
    assert process.stdout
    assert process.stderr
    try:
        with process.stdout:
            yield process, _Said(process.stderr)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _error(code: int, text: str) -> LoadError:
    """Make an error of what the tap ended with."""
    reset = _RESET.search(text)
    if code == TRY_AGAIN or (reset and "used up" in text):
        at = datetime.fromisoformat(f"{reset[1]}+00:00") if reset else None
        # Its clock and ours may differ; a new day is not begun too soon.
        return TryLaterError(text, at and max(at, utc_now()) + timedelta(minutes=1))
    reason = {USAGE: "wrong settings", KEY_REFUSED: "key not accepted"}.get(code)
    return LoadError(
        f"The tap ended with exit code {code}{(reason and f' ({reason})') or ''}: {text}"
    )
