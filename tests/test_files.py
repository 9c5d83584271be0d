"""Files and pipes as they are: what fails is told in a sentence, by each of the programs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.files import decoded, parse_json
from tests.conftest import KEY, only, run_process, tap_environment, watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap

TAP = "-m tap_insightly --config=ENV"
TARGET = "-m tap_insightly.loader --config=ENV"
CLI = "-m tap_insightly.cli"
STATE = '{"type": "STATE", "value": {"at": 1}}\n'
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")

values = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none())


def shell(
    line: str, folder: Path, sandbox: Sandbox | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a line as a person types it, with Python in place of the program's name."""
    if env is None:
        there = {"api_key": KEY, "api_url": sandbox.api_url if sandbox else None}
        env = tap_environment(**there, requests_per_second=100)
        env |= {n.replace("TAP_", "TARGET_"): v for n, v in env.items() if n.startswith("TAP_")}
    if line.startswith("-m ") and not re.search(r"[<>|;]", line):
        return run_process([sys.executable, *shlex.split(line)], env=env, folder=folder)
    done = subprocess.run(  # noqa: S602 - our own line
        re.sub(r"(^|\| )(?=-m )", rf"\1{shlex.quote(sys.executable)} ", line),
        shell=True,
        cwd=folder,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    watch(done.stdout, done.stderr)
    return done


def problem(done: subprocess.CompletedProcess[str]) -> str:
    """What went wrong, in the one sentence that says it."""
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    told = [line for line in done.stderr.splitlines() if re.search(r"\bERROR\b|^Error:", line)]
    told = [line for line in told if not line.endswith("Config validation failed")]  # the SDK's
    assert len(told) == 1, done.stderr
    return told[0]


@given(values, st.sampled_from(ENCODINGS))
def test_json_is_read_in_whatever_encoding_of_unicode(
    content: dict[str, Any], encoding: str
) -> None:
    text = json.dumps(content, ensure_ascii=False)
    assert parse_json(decoded(text.encode(encoding))) == content


@given(st.binary(max_size=40))
def test_any_bytes_are_json_or_no_json(content: bytes) -> None:
    try:
        parse_json(decoded(content))
    except ValueError as error:
        said = str(error)
        assert "\n" not in said


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_settings_catalog_and_state_are_read_in_any_encoding(
    tap: Tap, sandbox: Sandbox, tmp_path: Path, encoding: str
) -> None:
    mark = {"replication_key": "DATE_UPDATED_UTC", "replication_key_value": "2026-01-31T00:00:00Z"}
    contents = {
        "config": {"custom_fields": "array", "start_date": "2020-01-01"},
        "catalog": only(tap.discover(sandbox), "contacts"),
        "state": {"bookmarks": {"contacts": mark}},
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    sandbox.requests.clear()
    done = shell(f"{TAP} --config config --catalog catalog --state state", tmp_path, sandbox)
    assert done.returncode == 0, done.stderr
    assert sandbox.requests[0].query["updated_after_utc"] == "2026-01-30T23:59:00Z"
    sandbox.requests.clear()
    done = shell(f"{CLI} plan --config config --catalog catalog --state state", tmp_path, sandbox)
    assert done.returncode == 0, done.stderr
    assert sandbox.requests[0].query["updated_after_utc"] == "2026-01-30T23:59:00Z"
    (tmp_path / "input").write_text(STATE)
    (tmp_path / "config").write_bytes('{"on_error": "skip"}'.encode(encoding))
    done = shell(f"{TARGET} --config config --input input", tmp_path, sandbox)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"at": 1}


WRONG_FILES = {
    "binary": "no text",
    "folder": "directory",
    "nothing": "No such file",
    "deep": "deep",
}
COMMANDS = [
    *(f"{program} --config {{}}" for program in (TAP, TARGET, f"{CLI} check")),
    *(f"{TAP} --{option} {{}}" for option in ("catalog", "state")),
    *(f"{CLI} plan --{option} {{}}" for option in ("catalog", "state")),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(128, 256)))
    (tmp_path / "folder").mkdir()
    (tmp_path / "deep").write_text("[" * 100_000)
    for name, said in WRONG_FILES.items():
        done = shell(command.format(name), tmp_path)
        assert done.returncode != 0
        assert name in problem(done)
        assert said in problem(done)
        assert not done.stdout


WRITERS = [
    *(f"{TAP} {what}" for what in ("", "--discover", "--about", "--version", "--help")),
    *(f"{CLI} {what}" for what in ("get contacts", "objects", "plan", "--help")),
    f"{TARGET} --input input",
    f"{TARGET} --about",
]


@FULL
@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk_is_told_of_once(tmp_path: Path, shared_sandbox: Sandbox, command: str) -> None:
    (tmp_path / "input").write_text(STATE)
    done = shell(f"{command} > /dev/full", tmp_path, shared_sandbox)
    assert done.returncode == 1
    assert problem(done).endswith("Output cannot be written: No space left on device.")


@pytest.mark.parametrize("command", WRITERS)
def test_a_closed_output_is_told_of_before_anything_is_asked(
    tmp_path: Path, sandbox: Sandbox, command: str
) -> None:
    (tmp_path / "input").write_text(STATE)
    done = shell(f"{command} >&-", tmp_path, sandbox)
    assert done.returncode == 1
    assert "Standard output is closed" in problem(done)
    assert not sandbox.requests


@pytest.mark.parametrize(
    "command", [TARGET, f"{TAP} --state -", f"{TAP} --catalog -", f"{CLI} plan --state -"]
)
def test_a_closed_input_is_told_of(tmp_path: Path, sandbox: Sandbox, command: str) -> None:
    done = shell(f"{command} <&-", tmp_path, sandbox)
    assert done.returncode == 1
    assert "Standard input is closed" in problem(done)


@pytest.mark.parametrize("command", [TAP, f"{CLI} get contacts", f"{TARGET} --input input"])
def test_where_nobody_is_to_be_told_anything_all_goes_on(
    tmp_path: Path, shared_sandbox: Sandbox, command: str
) -> None:
    (tmp_path / "input").write_text(STATE)
    done = shell(f"{command} 2>&-", tmp_path, shared_sandbox)
    assert done.returncode == 0
    assert done.stdout == shell(command, tmp_path, shared_sandbox).stdout or "RECORD" in done.stdout


@pytest.mark.parametrize("command", [f"{TAP} --discover", f"{CLI} get contacts", f"{CLI} --help"])
def test_a_reader_that_has_seen_enough_is_no_failure_to_be_told_of(
    tmp_path: Path, shared_sandbox: Sandbox, command: str
) -> None:
    done = shell(f"{command} | true", tmp_path, shared_sandbox)
    assert not [line for line in done.stderr.splitlines() if "ERROR" in line or "Error" in line]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_batch_files_that_cannot_be_written_name_the_setting(
    tap: Tap, sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    """The size of files is limited here, as a disk that is full cannot be had so easily."""
    (tmp_path / "catalog").write_text(json.dumps(only(tap.discover(sandbox), "contacts")))
    for _ in range(300):
        sandbox.create("/Contacts", FIRST_NAME=os.urandom(100).hex())
    encoding = {"format": kind} | ({"compression": "gzip"} if kind == "jsonl" else {})
    config = {"encoding": encoding, "storage": {"root": (tmp_path / "batches").as_uri()}}
    env = tap_environment(api_key=KEY, api_url=sandbox.api_url, batch_config=config)
    done = shell(f"ulimit -f 8; exec {sys.executable} {TAP} --catalog catalog", tmp_path, env=env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "contacts: OSError" in last
    assert "File too large. This comes from the setting 'batch_config'." in last


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (STATE.encode("utf-16"), "is no text in UTF-8"),
        (b"5\n", "it is no JSON object: '5'"),
        (b"[1]\n", "it is no JSON object: '[1]'"),
        (b"{\n", "it is no JSON object: '{'"),
        (b"[" * 100_000, "it is no JSON object: '[[["),
        (bytes(range(128, 256)), "is no text in UTF-8"),
    ],
    ids=repr,
)
def test_messages_that_are_none_are_told_of(
    tmp_path: Path, sandbox: Sandbox, content: bytes, said: str
) -> None:
    (tmp_path / "input").write_bytes(content)
    done = shell(f"{TARGET} --input input", tmp_path, sandbox)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in problem(done)
    assert len(done.stderr.splitlines()[-1]) < 400


def test_messages_may_begin_with_a_byte_order_mark(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "input").write_bytes(STATE.encode("utf-8-sig"))
    done = shell(f"{TARGET} --input input", tmp_path, sandbox)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"at": 1}


PROGRAMS = {
    "TAP": f"{TAP} --discover",
    "TARGET": f"{TARGET} --input ../input",
    "CLI": f"{CLI} check",
}


def variables(program: str, url: str, key: str = KEY) -> str:
    prefix = "TARGET" if program == "TARGET" else "TAP"
    values = {"API_URL": url, "API_KEY": key, "REQUESTS_PER_SECOND": "100"}
    return "".join(f"{prefix}_INSIGHTLY_{name}={value}\n" for name, value in values.items())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working folder, below the one that has a file ``.env``."""
    (tmp_path / "input").write_text(STATE)
    (tmp_path / "below").mkdir()
    return tmp_path / "below"


def nothing_set() -> dict[str, str]:
    return {n: v for n, v in os.environ.items() if not n.startswith(("TAP_", "TARGET_"))}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_variables_in_or_above_the_working_folder_is_read(
    folder: Path, sandbox: Sandbox, program: str, encoding: str
) -> None:
    command = PROGRAMS[program]
    dotenv = folder.parent / ".env"
    dotenv.write_bytes(variables(program, sandbox.api_url).encode(encoding))
    done = shell(command, folder, env=nothing_set())
    dotenv.unlink()  # it holds the key, which no file may when the tests are done
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("is_traced", [False, True])
def test_the_environment_goes_before_the_file(
    folder: Path, sandbox: Sandbox, program: str, *, is_traced: bool
) -> None:
    """Under a tracer too, where dotenv looks for the file in another folder."""
    command = PROGRAMS[program]
    if is_traced:
        tracer = shlex.join([sys.executable, str(Path(__file__).with_name("traced.py"))])
        command = command.replace("-m", tracer)
    (folder / ".env").write_text(variables(program, "http://127.0.0.1:1/v3.1", "wrong"))
    lines = variables(program, sandbox.api_url).splitlines()
    env = nothing_set() | dict(line.split("=", 1) for line in lines)
    done = shell(command, folder, env=env)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("is_text", [True, False])
def test_a_file_of_variables_that_cannot_be_read_is_told_of(
    folder: Path, program: str, *, is_text: bool
) -> None:
    command = PROGRAMS[program]
    broken = variables(program, "here").replace("KEY=", "KEY: ").encode()
    (folder / ".env").write_bytes(broken if is_text else bytes(range(128, 256)))
    done = shell(command, folder, env=nothing_set())
    (folder / ".env").unlink()
    assert done.returncode == 2
    assert "below/.env cannot be read: " in problem(done)
    assert ("line 2 is not of the form NAME=value" in problem(done)) is is_text


def test_what_others_have_in_the_file_is_no_matter(folder: Path, sandbox: Sandbox) -> None:
    dotenv = folder / ".env"
    dotenv.write_text(f"export PATH:\n!\n{variables('TAP', sandbox.api_url)}")
    done = shell(PROGRAMS["TAP"], folder, env=nothing_set())
    dotenv.unlink()
    assert done.returncode == 0, done.stderr
