"""The folder of an account: its state, its catalog, and how its last run ended."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.files import write_whole

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Loaded:
    """What a target has of an account; one file, so that its parts always fit together."""

    state: Any = None
    """The state that the target emitted last; None before the first."""
    sent: dict[str, str] = field(default_factory=dict)
    """What it was sent last, as `messages.Changes` knows it again."""
    target: str = ""
    """Which target that is."""


class BusyError(Exception):
    """Another run of the account is going on."""


class AccountFolder:
    """What is kept of an account from run to run."""

    def __init__(self, root: Path, account: str) -> None:
        """Name it; it is made when something is written."""
        self.path = root / account
        self.state_file = self.path / "state.json"
        self.catalog_file = self.path / "catalog.json"
        self.report_file = self.path / "report.json"
        self._ended_file = self.path / "ended.json"

    @contextmanager
    def one_run(self) -> Iterator[int]:
        """Keep other runs of the account out, whatever ends this one.

        Yields:
            A file descriptor. As long as a process has it, others are kept out; so a target which
            outlives a run that was killed is not overtaken. Nobody is kept out on Windows.

        Raises:
            BusyError: If another run is going on.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / "lock").open("ab") as file:
            if sys.platform != "win32":
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    msg = "Another run of this account is going on."
                    raise BusyError(msg) from None
            yield file.fileno()

    def loaded(self) -> Loaded:
        """Read what the target has.

        Raises:
            ValueError: If the file was changed by somebody, and cannot be read.
        """
        content = _read(self.state_file)
        if content is None:
            return Loaded()
        if "singer_state" not in content:  # a state of the tap, which somebody has put there
            return Loaded(content)
        sent, target = content.get("sent"), content.get("target")
        return Loaded(content["singer_state"], dict(sent or {}), str(target or ""))

    def keep(self, loaded: Loaded) -> None:
        """Write what the target has, whole or not at all. The tap takes the file as a state."""
        content = {"singer_state": loaded.state, "sent": loaded.sent, "target": loaded.target}
        _write(self.state_file, content)

    @property
    def ended(self) -> dict[str, Any]:
        """How the last run ended: see `end`. Nothing before the first."""
        with suppress(ValueError):
            return _read(self._ended_file) or {}
        return {}

    def end(self, **how: Any) -> None:  # noqa: ANN401 - JSON
        """Note how a run ended, beside what is known of earlier ones."""
        _write(self._ended_file, self.ended | {"at": utc_now().isoformat(), **how})

    @property
    def waits_until(self) -> datetime | None:
        """Until when Insightly takes no requests of the account; None if it does."""
        at = self.ended.get("retry_at")
        moment = datetime.fromisoformat(at) if at else None
        return moment if moment and moment > utc_now() else None

    def write_catalog(self, catalog: Any) -> None:  # noqa: ANN401 - JSON
        """Keep a catalog."""
        _write(self.catalog_file, catalog)


def utc_now() -> datetime:
    """Say what time it is."""
    return datetime.now(timezone.utc)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        msg = f"{path} is no JSON. Put it right, or remove it to load the account anew."
        raise ValueError(msg) from None
    if not isinstance(content, dict):
        msg = f"{path} is no JSON object. Put it right, or remove it to load the account anew."
        raise ValueError(msg)  # noqa: TRY004 - to the caller it is one failure
    return content


def _write(path: Path, content: Any) -> None:  # noqa: ANN401 - JSON
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, [json.dumps(content).encode()], mode=0o600)
