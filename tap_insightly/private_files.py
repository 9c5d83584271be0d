"""Files that hold secrets: read whole, and only if nobody else may read them."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from tap_insightly.files import decoded

# Windows has no such modes, and what Python makes up there says nothing.
HAS_MODES = os.name != "nt"

_GROUP_OR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS = stat.S_IRWXO
_ONLY_OWNER = "600"


class FileProblem(ValueError):  # noqa: N818 - half a sentence, which others make an error of
    """What is wrong with a file; the text goes on after its name."""


class ReadFile:
    """A text file that was read, and who else may read it."""

    def __init__(self, path: Path, most: int) -> None:
        """Read it.

        Args:
            path: Where it is; a link counts as what it leads to.
            most: How many bytes it may have.

        Raises:
            FileNotFoundError: If there is none.
            FileProblem: If it cannot be read, is no regular file, is too large or is no text.
        """
        self.path = path
        try:
            # A pipe or a device could be read for ever.
            kind = path.stat()
            if not stat.S_ISREG(kind.st_mode):
                what = "a folder" if stat.S_ISDIR(kind.st_mode) else "no regular file"
                msg = f"is {what}"
                raise FileProblem(msg)
            with path.open("rb") as file:
                self._status = os.fstat(file.fileno())
                content = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            msg = "does not exist"
            raise FileNotFoundError(msg) from None
        except OSError as error:
            msg = f"cannot be read: {error.strerror or type(error).__name__}"
            raise FileProblem(msg) from None
        except ValueError as error:
            if isinstance(error, FileProblem):
                raise
            msg = "is no path that can be"  # it has a NUL in it
            raise FileProblem(msg) from None
        if len(content) > most:
            msg = f"has more than {most:,} bytes"
            raise FileProblem(msg)
        try:
            self.text = decoded(content)
        except ValueError as error:
            msg = f"cannot be read: {error}"
            raise FileProblem(msg) from None

    @property
    def _mode(self) -> int:
        return stat.S_IMODE(self._status.st_mode) if HAS_MODES else 0

    @property
    def is_private(self) -> bool:
        """Whether its owner alone may read and change it."""
        return not self._mode & _GROUP_OR_OTHERS

    @property
    def is_handed_over(self) -> bool:
        """Whether it is private, or another user has given it to a group that we are in.

        So do systems that hand secrets to a service: it cannot change these modes, nor need it.
        """
        is_ours = not HAS_MODES or self._status.st_uid == os.geteuid()
        return self.is_private if is_ours else not self._mode & _OTHERS

    @property
    def is_changed_by_all(self) -> bool:
        """Whether every user of this machine may change it."""
        return bool(self._mode & stat.S_IWOTH)

    @property
    def openness(self) -> str:
        """Its mode and what to do, to follow what others may do with it."""
        path = shlex.quote(str(self.path))
        return f"(mode {self._mode & 0o777:03o}): run chmod {_ONLY_OWNER} {path}"


def resolved(text: str, folder: Path) -> Path:
    """Find the path that a text means in a file of that folder; ``~`` is the user's home.

    Raises:
        FileProblem: If there is no such user.
    """
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        msg = "is in the home of a user that there is not"
        raise FileProblem(msg) from None
