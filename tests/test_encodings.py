"""Encodings: all that is read and written is UTF-8, whatever the place calls its own."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.conftest import KEY, only, tap_environment, watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap

NAME = "Zoë Ångström 東京"  # which neither Latin-1 nor code page 1252 has all of
LATIN = "Zoë Müller"  # which both have
# Places as they are on Windows, and where somebody has set no language or an old one.
PLACES: dict[str, dict[str, str]] = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
SCHEMA = {
    "type": "SCHEMA",
    "stream": "contacts",
    "schema": {"properties": {"FIRST_NAME": {}}},
    "key_properties": [],
}


def environment(sandbox: Sandbox | None, place: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process in another place, with settings for all three programs."""
    there = {"api_key": KEY, "api_url": sandbox.api_url if sandbox else None}
    env = tap_environment(**there, requests_per_second=100)
    env |= {n.replace("TAP_", "TARGET_"): v for n, v in env.items() if n.startswith("TAP_")}
    env = {name: v for name, v in env.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    return {**env, **place}


def run(
    command: str,
    folder: Path,
    sandbox: Sandbox | None,
    place: Mapping[str, str],
    *,
    given: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run one of the programs in a place, and take its output as bytes."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *shlex.split(command)],
        cwd=folder,
        env=environment(sandbox, place),
        input=given,
        capture_output=True,
        timeout=120,
        check=False,
    )
    watch(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    assert b"Traceback" not in done.stderr
    return done


def messages(name: str, encoding: str = "utf-8") -> bytes:
    """A stream with one contact of that name, and a state that names it too."""
    found = [
        SCHEMA,
        {"type": "RECORD", "stream": "contacts", "record": {"FIRST_NAME": name}},
        {"type": "STATE", "value": {"at": name}},
    ]
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found).encode(encoding)


def names(sandbox: Sandbox) -> list[str]:
    """What contacts are called."""
    return [str(one["FIRST_NAME"]) for one in sandbox.records("/Contacts")]


WAYS = ["", "--input messages", "--input -"]  # how messages come in


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_messages_are_read_as_utf8_in_any_place(
    tmp_path: Path, sandbox: Sandbox, place: str, way: str
) -> None:
    content = messages(NAME, "utf-8" if place == "latin-1" else "utf-8-sig")
    (tmp_path / "messages").write_bytes(content)
    command = f"tap_insightly.loader --config=ENV {way}"
    done = run(command, tmp_path, sandbox, PLACES[place], given=content)
    assert done.returncode == 0, done.stderr
    assert names(sandbox)[-1] == NAME
    assert json.loads(done.stdout.decode("utf-8")) == {"at": NAME}


@pytest.mark.parametrize("place", ["cp1252", "C"])
@pytest.mark.parametrize("way", WAYS)
def test_messages_that_are_not_utf8_are_written_nowhere(
    tmp_path: Path, sandbox: Sandbox, place: str, way: str
) -> None:
    content = messages(LATIN, "cp1252")
    (tmp_path / "messages").write_bytes(content)
    command = f"tap_insightly.loader --config=ENV {way}"
    done = run(command, tmp_path, sandbox, PLACES[place], given=content)
    assert done.returncode == 1
    assert b"The input is no text in UTF-8, as Singer messages are" in done.stderr
    assert asked(sandbox, "POST", "PUT") == []
    assert not done.stdout


# Files that people write by hand, and what reads them; {} is the file.
READERS = {
    "config": (
        "tap_insightly --config=ENV --config {} --discover",
        {"custom_fields": "array", "no": NAME},
    ),
    "target": (
        "tap_insightly.loader --config=ENV --config {} --input nothing",
        {"on_error": "skip", "no": NAME},
    ),
    "check": ("tap_insightly.cli check --config {}", {"no": NAME}),
    "state": ("tap_insightly --config ENV --catalog catalog --state {}", {"bookmarks": {NAME: {}}}),
    "catalog": ("tap_insightly --config ENV --catalog {}", "catalog"),
    "create": ("tap_insightly.cli create contact --from {}", {"FIRST_NAME": NAME}),
    "create from input": ("tap_insightly.cli create contact --from -", {"FIRST_NAME": NAME}),
    "update": ("tap_insightly.cli update contact ID --from {}", {"FIRST_NAME": NAME}),
    "api": ("tap_insightly.cli api POST /Contacts --yes -F {}", {"FIRST_NAME": NAME}),
    "api from input": ("tap_insightly.cli api POST /Contacts --yes -F -", {"FIRST_NAME": NAME}),
    "note": ("tap_insightly.cli note add contact ID --title A --body -", NAME),
    "csv": ("tap_insightly.cli verify --stream contacts --from {}", "csv"),
}


def prepared(kind: str, tap: Tap, sandbox: Sandbox, folder: Path) -> tuple[str, str]:
    """The command of a case, and the text that it is to read."""
    command, content = READERS[kind]
    (folder / "nothing").write_bytes(b"")
    if "catalog" in command:
        catalog = only(tap.discover(sandbox), "teams")
        catalog["streams"][0]["schema"]["description"] = NAME
        (folder / "catalog").write_text(json.dumps(catalog), encoding="utf-8")
        content = catalog if content == "catalog" else content
    command = command.replace("ID", str(first(sandbox)))
    sandbox.requests.clear()
    if content == "csv":
        rows = [f"{one['CONTACT_ID']},{NAME}\n" for one in sandbox.records("/Contacts")]
        return command, "CONTACT_ID,FIRST_NAME\n" + "".join(rows)
    return command, content if kind == "note" else json.dumps(content, ensure_ascii=False)


def read_by(command: str, content: bytes, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command that reads some bytes, as a file and as standard input."""
    (more["folder"] / "given").write_bytes(content)
    return run(command.format("given"), given=content, **more)


@pytest.mark.parametrize("kind", READERS)
def test_files_are_read_as_utf8_in_any_place(
    tap: Tap, sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    command, text = prepared(kind, tap, sandbox, tmp_path)
    more: dict[str, Any] = {"folder": tmp_path, "sandbox": sandbox, "place": PLACES["cp1252"]}
    done = read_by(command, text.encode("utf-8-sig"), **more)
    assert done.returncode == 0, done.stderr
    if kind.startswith(("create", "update", "api")):
        assert NAME in names(sandbox)
        assert json.loads(done.stdout.decode("utf-8"))["FIRST_NAME"] == NAME
    if kind == "note":
        assert sandbox.records("/Notes")[-1]["BODY"] == NAME


@pytest.mark.parametrize("kind", READERS)
def test_a_file_in_another_encoding_is_refused_by_name(
    tap: Tap, sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    command, text = prepared(kind, tap, sandbox, tmp_path)
    content = text.replace(NAME, LATIN).encode("cp1252")
    more: dict[str, Any] = {"folder": tmp_path, "sandbox": sandbox, "place": PLACES["cp1252"]}
    done = read_by(command, content, **more)
    assert done.returncode != 0
    told = (done.stdout if kind == "csv" else done.stderr).decode()  # the report says it
    assert "no text in UTF-8" in told
    assert ("given" if "{}" in command else "Standard input") in told
    assert asked(sandbox, "POST", "PUT") == []
    assert kind == "csv" or not done.stdout


@pytest.mark.parametrize("program", ["tap_insightly --config=ENV", "tap_insightly.cli plan"])
def test_a_file_of_variables_in_another_encoding_is_refused_by_name(
    sandbox: Sandbox, tmp_path: Path, program: str
) -> None:
    (tmp_path / ".env").write_bytes("# für uns\nTAP_INSIGHTLY_PAGE_SIZE=100\n".encode("cp1252"))
    done = run(program, tmp_path, sandbox, PLACES["cp1252"])
    assert done.returncode != 0
    assert ".env" in done.stderr.decode()
    assert "UTF-8" in done.stderr.decode()
    assert not sandbox.requests


@pytest.mark.parametrize(
    "command",
    [
        "tap_insightly --config=ENV --catalog catalog",
        "tap_insightly.cli get contacts --jsonl",
        "tap_insightly.cli get contact ID",
        "tap_insightly.cli api GET /Contacts/ID",
        "tap_insightly.cli update contact ID TITLE=x --dry-run --from given",
    ],
)
def test_data_is_written_as_utf8_in_any_place(
    tap: Tap, sandbox: Sandbox, tmp_path: Path, command: str
) -> None:
    number = first(sandbox)
    sandbox.update("/Contacts", number, FIRST_NAME=NAME)
    if "catalog" in command:
        catalog = only(tap.discover(sandbox), "contacts")
        (tmp_path / "catalog").write_text(json.dumps(catalog), encoding="utf-8")
    (tmp_path / "given").write_text(json.dumps({"FIRST_NAME": NAME}), encoding="utf-8")
    done = run(command.replace("ID", str(number)), tmp_path, sandbox, PLACES["cp1252"])
    assert done.returncode == 0, done.stderr
    assert NAME in done.stdout.decode("utf-8")


@pytest.mark.parametrize("place", PLACES)
def test_a_table_for_people_is_in_the_encoding_of_the_place_as_far_as_that_goes(
    sandbox: Sandbox, tmp_path: Path, place: str
) -> None:
    """The description of a field shows the symbol of the euro, which Latin-1 does not have."""
    done = run("tap_insightly.cli fields currency", tmp_path, sandbox, PLACES[place])
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("utf-8" if place == "C" else place)
    assert ("\\u20ac" if place == "latin-1" else "€") in text


@pytest.mark.parametrize(
    "command",
    [
        b"get contacts --where FIRST_NAME=\xe9",
        b"get contact ID --fields \xe9",
        b"create contact FIRST_NAME=\xe9",
        b"note add contact ID --title \xe9",
        b"tag add contact ID \xe9",
        b"api GET /Contacts -f name=\xe9",
        b"api GET /Cont\xe9",
        b"api POST /Contacts --yes -f FIRST_NAME=\xe9",
        b'api POST /Contacts --yes -j FIRST_NAME="\xe9"',
    ],
)
def test_an_argument_that_is_no_text_is_told_and_not_sent(
    sandbox: Sandbox, tmp_path: Path, command: bytes
) -> None:
    args = command.replace(b"ID", str(first(sandbox)).encode()).split()
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable.encode(), b"-m", b"tap_insightly.cli", *args],
        cwd=tmp_path,
        env=environment(sandbox, {}),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(b"Error: ")
    assert done.returncode == 2
    assert asked(sandbox, "POST", "PUT") == []
