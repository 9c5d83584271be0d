"""A Dockerfile of this project, and what it does without Docker: the same commands, run by hand."""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]


class Dockerfile:
    """What one says."""

    def __init__(self, name: str) -> None:
        self.path = ROOT / name
        text = self.path.read_text(encoding="utf-8")
        self._instructions = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", text, re.MULTILINE)
        self.ignored = (ROOT / f"{name}.dockerignore").read_text(encoding="utf-8").split()
        self.let_in = [pattern[1:] for pattern in self.ignored if pattern.startswith("!")]

    def given(self, name: str) -> list[str]:
        """What the instructions of a kind say, in order."""
        return [text for kind, text in self._instructions if kind == name]

    def command(self, name: str) -> list[str]:
        """The words of the only instruction of a kind."""
        (text,) = self.given(name)
        words = ast.literal_eval(text)
        assert isinstance(words, list)
        return words

    def check_what_is_let_in(self) -> None:
        """Assert that all that is copied is let in, and that this is there."""
        assert self.ignored[0] == "*"
        assert all((ROOT / name).exists() for name in self.let_in)
        sources = [text.split()[0] for text in self.given("COPY") if not text.startswith("--from")]
        for source in sources:
            assert source == "." or any(fnmatch.fnmatch(source, one) for one in self.let_in), source

    def install(self, folder: Path) -> Path:
        """Run what it installs, in an environment of its own, with what is let in; give that."""
        source, dist, environment = folder / "src", folder / "dist", folder / "venv"
        for name in self.let_in:
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, target)
        dist.mkdir()
        for name in self.let_in:
            if name.startswith("requirements/"):
                shutil.copy(ROOT / name, dist)
        venv.create(environment, with_pip=True)
        for command in self.given("RUN"):
            if command.startswith("["):  # is about the root of the container
                continue
            words = command.replace("/dist", str(dist)).split()
            assert words[0] == "python"
            self._run(environment, source, words[1:])
        return environment / "bin"

    @staticmethod
    def _run(environment: Path, source: Path, words: Sequence[str]) -> None:
        (*words, last) = words
        folder = Path(last).parent
        found = sorted(map(str, folder.glob("*.whl"))) if last.endswith("*.whl") else [last]
        subprocess.run(  # noqa: S603 - our own command
            [str(environment / "bin" / "python"), *words, *found],
            cwd=source,
            check=True,
            timeout=600,
        )
