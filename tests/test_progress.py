"""The progress, as somebody sees it who runs the tap in a terminal, and as nobody else does."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from rich.console import Console

from tap_insightly.api import InsightlySession, PagedRequest
from tap_insightly.api.lists.paged_request import OffsetPaginator
from tap_insightly.sync.progress import Display, Footer, Rate, pages_to_come, seconds_to_go
from tests.conftest import KEY, Run, Tap, only, tap_environment, watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \| [A-Z]+ +\| \S+ +\| \S.*")
WITHOUT_RICH = """
import sys
sys.modules["rich"] = None
from tap_insightly.tap import TapInsightly
TapInsightly.cli()
"""


class Screen:
    """A terminal that is large enough, and knows no other codes than it should have to."""

    CODES = re.compile(r"\x1b\[[0-9;]*m|\x1b\[[JA]|[^\x1b]")

    def __init__(self, text: str) -> None:
        assert self.CODES.sub("", text) == ""
        self.rows = [""]
        self.row = self.column = 0
        self.footers: list[str] = []
        """What stood below the cursor, one after the other."""
        for code in self.CODES.findall(text):
            self._take(code)

    def _take(self, code: str) -> None:
        line = self.rows[self.row]
        if code == "\x1b[J":
            del self.rows[self.row + 1 :]
            self.rows[self.row] = line[: self.column]
        elif code == "\x1b[A":
            self.row -= 1
            if line not in self.footers[-1:]:
                self.footers.append(line)
        elif code == "\r":
            self.column = 0
        elif code == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif len(code) == 1:
            self.rows[self.row] = line[: self.column] + code + line[self.column + 1 :]
            self.column += 1

    @property
    def log(self) -> list[str]:
        """What is left in the end: log lines, whole, and an empty line with the cursor."""
        *rows, last = self.rows
        assert last == ""
        assert [row for row in rows if not LOG_LINE.fullmatch(row)] == []
        return rows


@dataclass(frozen=True)
class Watched(Run):
    """What a run of the tap in a terminal left behind; `stderr` is what the terminal got."""

    @property
    def screen(self) -> Screen:
        return Screen(self.stderr)


class Terminal:
    """Runs the tap in a terminal, with messages going to a file or to what is given."""

    def __init__(self, folder: Path, sandbox: Sandbox, catalog: dict[str, Any]) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.pid = 0
        (folder / "catalog.json").write_text(json.dumps(catalog))

    def __call__(
        self,
        *command: str,
        stdout: int | None = None,
        variables: dict[str, str] | None = None,
        **settings: Any,
    ) -> Watched:
        given = {"api_key": KEY, "api_url": self.sandbox.api_url, "requests_per_second": 100}
        env = tap_environment(**{**given, **settings})
        env["PYTHONWARNINGS"] = "ignore::FutureWarning"  # the SDK's, about old Pythons
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            env.pop(name, None)
        command = command or ("-m", "tap_insightly")
        here, there = pty.openpty()
        with (self.folder / "out").open("w+") as out, os.fdopen(here, "rb", buffering=0) as screen:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, *command, "--config=ENV", "--catalog=catalog.json"],
                env=env | {"TERM": "xterm-256color", "COLUMNS": "100"} | (variables or {}),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout={None: out, subprocess.STDOUT: there}.get(stdout, stdout),
                stderr=there,
            )
            self.pid = process.pid
            os.close(there)
            guard = threading.Timer(120, process.kill)
            guard.start()
            raw = b""
            with process, suppress(OSError):  # how Linux says that the other end is closed
                while chunk := screen.read(65536):
                    raw += chunk
            guard.cancel()
            out.seek(0)
            run = Watched(process.returncode, out.read(), raw.decode())
        watch(run.stdout, run.stderr)
        return run

    def when_notes_are_asked_for(self, do: Callable[[], object]) -> None:
        def look(request: Any) -> None:
            if "/Notes" in request.path:
                do()

        self.sandbox.on_request = look


@pytest.fixture(scope="module")
def catalog(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A catalog of three streams."""
    tap = Tap(tmp_path_factory.mktemp("catalog"))
    return only(tap.discover(shared_sandbox), "contacts", "leads", "notes")


@pytest.fixture
def terminal(tmp_path: Path, sandbox: Sandbox, catalog: dict[str, Any]) -> Terminal:
    """A terminal to run the tap in."""
    return Terminal(tmp_path, sandbox, catalog)


def test_who_watches_sees_streams_records_requests_quota_and_time(
    terminal: Terminal, sandbox: Sandbox
) -> None:
    run = terminal()
    assert run.code == 0, run.screen.rows
    contacts, leads, notes = (sandbox.count(path) for path in ("/Contacts", "/Leads", "/Notes"))
    for count, name, records, quota in (
        (0, "contacts", 0, "-"),
        (1, "leads", contacts, r"99,9\d\d"),
        (2, "notes", contacts + leads, r"99,9\d\d"),
        (3, "-", contacts + leads + notes, r"99,9\d\d"),
    ):
        footer = re.compile(
            rf"[━╺╸]+  {count}/3  {name} +{records} records  (-|\d+\.\d) requests/s  "
            rf"quota {quota}  \d\d:\d\d to go"
        )
        assert any(map(footer.fullmatch, run.screen.footers)), (footer, run.screen.footers)
    assert all(len(footer) < 100 for footer in run.screen.footers)


def test_log_lines_stay_whole_and_nothing_else_is_left(terminal: Terminal) -> None:
    log = terminal().screen.log
    for name in ("contacts", "leads", "notes"):
        assert sum(f"{name}: " in line and "requests" in line for line in log) == 1


def test_messages_are_those_that_a_pipeline_gets(
    terminal: Terminal, tap: Tap, sandbox: Sandbox, catalog: dict[str, Any]
) -> None:
    watched, unwatched = terminal(), tap(sandbox=sandbox, catalog=catalog)
    kinds = [
        [(one["type"], one.get("record")) for one in run.messages] for run in (watched, unwatched)
    ]
    assert kinds[0] == kinds[1]


def test_it_is_gone_when_an_error_is_told(terminal: Terminal) -> None:
    run = terminal(api_key="wrong")
    assert run.code == 77
    assert run.screen.footers
    assert "did not accept the API key" in run.screen.log[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_gone_after_a_signal(terminal: Terminal, number: int) -> None:
    terminal.when_notes_are_asked_for(lambda: os.kill(terminal.pid, number))
    run = terminal()
    assert run.code == 128 + number
    assert run.screen.footers
    assert any("Asked to stop" in line for line in run.screen.log)


def test_it_is_gone_when_the_target_is(terminal: Terminal) -> None:
    reader, writer = os.pipe()
    terminal.when_notes_are_asked_for(lambda: os.close(reader))
    run = terminal(stdout=writer)
    os.close(writer)
    assert run.code == 1
    assert run.screen.footers
    assert run.screen.log


@pytest.mark.parametrize("variable", ["TERM=dumb", "TTY_INTERACTIVE=0"])
def test_a_terminal_that_cannot_or_should_not_show_it_gets_none(
    terminal: Terminal, variable: str
) -> None:
    run = terminal(variables=dict([variable.split("=")]))
    assert run.code == 0
    assert "\x1b" not in run.stderr


def test_it_stays_away_where_messages_scroll_by(terminal: Terminal) -> None:
    run = terminal(stdout=subprocess.STDOUT)
    assert run.code == 0
    assert '{"type":"RECORD"' in run.stderr
    assert "\x1b" not in run.stderr


def test_no_color_takes_away_colours_alone(terminal: Terminal) -> None:
    run = terminal(variables={"NO_COLOR": "1"})
    assert run.screen.footers
    assert not re.search(r"\x1b\[[0-9;]*m", run.stderr)


def test_without_rich_all_is_as_without_a_terminal(terminal: Terminal, sandbox: Sandbox) -> None:
    run = terminal("-c", WITHOUT_RICH)
    assert run.code == 0
    assert len(run.records("contacts")) == sandbox.count("/Contacts")
    assert "\x1b" not in run.stderr


def test_a_pipe_is_no_terminal_even_if_the_environment_says_so(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0
    assert "\x1b" not in run.stderr
    assert "to go" not in run.stderr


def test_a_footer_stays_below_what_anyone_writes() -> None:
    stream = io.StringIO()
    others = stream.write  # as another process writes to the same terminal
    footer = Footer(stream)
    footer.show("1 of 2")
    logging.StreamHandler(stream).handle(logging.makeLogRecord({"msg": "ours"}))
    others("theirs\n")
    footer.show("2 of 2")
    assert Screen(stream.getvalue()).rows == ["ours", "theirs", "", "2 of 2"]


def test_a_footer_waits_for_the_end_of_a_line() -> None:
    stream = io.StringIO()
    footer = Footer(stream)
    for text in ("Trace", "back", ":\n"):
        stream.write(text)
        footer.show("half")
    assert Screen(stream.getvalue()).rows == ["Traceback:", "", "half"]
    assert len(Screen(stream.getvalue()).footers) == 1


def test_a_footer_leaves_the_stream_as_it_was() -> None:
    stream = io.StringIO()
    footer = Footer(stream)
    footer.show("there")
    footer.close()
    footer.close()
    footer.show("gone")
    stream.write("free\n")
    assert Screen(stream.getvalue()).rows == ["free", ""]
    assert vars(stream) == {}


def test_a_terminal_that_is_gone_ends_no_sync() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> NoReturn:
            raise OSError(text)

    gone = Gone()
    session = InsightlySession("http://127.0.0.1/v3.1", KEY)
    display = Display([], session, Console(file=gone, force_terminal=True))
    assert display.due == float("inf")
    assert vars(gone) == {}


def test_it_asks_to_be_drawn_a_few_times_a_second_however_many_records_there_are() -> None:
    session = InsightlySession("http://127.0.0.1/v3.1", KEY)
    display = Display([], session, Console(file=io.StringIO()), clock=lambda: 100.0)
    for _ in range(3):
        before = display.due
        display.draw(before)
        assert 0.2 <= display.due - before <= 0.5


def test_a_stream_of_which_nothing_is_known_counts_as_one_page() -> None:
    assert pages_to_come([None, None]) == 2
    assert pages_to_come([[PagedRequest("/Tags"), PagedRequest("/Tags")]]) == 2
    assert (
        pages_to_come([[PagedRequest("/Contacts", paginator=OffsetPaginator(["CONTACT_ID"]))]]) == 1
    )


def test_a_list_counts_the_pages_that_its_length_tells() -> None:
    paginator = OffsetPaginator(["CONTACT_ID"], page_size=11)
    paginator.total = 95
    paged_request = PagedRequest("/Contacts", paginator=paginator)
    assert pages_to_come([None, [paged_request]]) == 1 + 10
    paginator.skip = 90
    assert pages_to_come([None, [paged_request]]) == 1 + 1
    paged_request.is_done = True
    assert pages_to_come([[paged_request]]) == 0


@pytest.mark.parametrize(
    ("pages", "allowed", "seen", "seconds"),
    [
        (100, 10, None, 10),  # at first, the pace is all there is to go by
        (100, 10, 4, 25),  # a slow target
        (100, 10, 40, 10),  # pages that were fetched ahead
        (100, 10, 0, None),  # a server that asked to be left alone
        (0, 10, 5, 0),
    ],
)
def test_time_to_go_is_told_from_pages_and_pace(
    pages: int, allowed: float, seen: float | None, seconds: float | None
) -> None:
    assert seconds_to_go(pages, allowed, seen) == seconds


def test_a_rate_is_of_the_last_seconds_and_told_when_there_is_one() -> None:
    rate = Rate(100.0, 7)
    assert rate.take(100.5, 10) is None
    assert rate.take(102.0, 27) == 10
    assert rate.take(106.0, 27) == pytest.approx(20 / 6)
    assert rate.take(113.0, 27) == 0
    assert rate.take(200.0, 114) == 1
