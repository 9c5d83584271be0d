"""What a file of rows may look like: CSV however it was saved, and lines of JSON."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.cli.running import COMMAND, environment, run
from tests.cli.test_loading import by_address, counts, load, people
from tests.cli.test_records import WRITES, contact

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_is_read_however_it_was_saved(
    sandbox: Sandbox, delimiter: str, end: str, mark: str
) -> None:
    rows = [["EMAIL_ADDRESS", "FIRST_NAME", "TITLE"], ["z@example.com", "Zoë", '"a,b;c|d\te"']]
    content = mark + end.join([*(delimiter.join(row) for row in rows), "", delimiter * 2, ""])
    done = load(sandbox, content.encode())
    assert done.code == 0, done.stderr
    (made,) = by_address(sandbox, "z@example.com")
    assert (made["FIRST_NAME"], made["TITLE"]) == ("Zoë", "a,b;c|d\te")


@pytest.mark.parametrize(
    ("given", "character"), [("^", "^"), ("tab", "\t"), ("\\t", "\t"), (";", ";")]
)
def test_the_delimiter_can_be_given(sandbox: Sandbox, given: str, character: str) -> None:
    content = f"FIRST_NAME{character}TITLE\nZoë{character}a,b\n"
    done = load(sandbox, content, "--delimiter", given)
    assert done.code == 0, done.stderr
    assert sandbox.records("/Contacts")[-1]["TITLE"] == "a,b"


def test_an_empty_cell_leaves_its_field_alone_unless_told_otherwise(sandbox: Sandbox) -> None:
    before = contact(sandbox)
    key = before["CONTACT_ID"]
    assert before["PHONE"]
    content = f"CONTACT_ID,PHONE,TITLE\n{key},,Dr\n"
    assert load(sandbox, content).code == 0
    assert contact(sandbox)["PHONE"] == before["PHONE"]
    assert load(sandbox, content, "--clear-empty").code == 0
    assert (contact(sandbox)["PHONE"], contact(sandbox)["TITLE"]) == (None, "Dr")


def test_null_in_json_clears_and_what_is_not_there_does_not(sandbox: Sandbox) -> None:
    key, title = first(sandbox), contact(sandbox)["TITLE"]
    content = (
        f'{{"CONTACT_ID": {key}, "PHONE": null}}\n\n'
        '{"FIRST_NAME": "Bo\\ud83c\\udfaa", "BACKGROUND": "1\\n2","TAGS": ["vip"], "hobby": "x"}\n'
    )
    done = run(sandbox, "load", "contact", "-", "--format", "jsonl", input=content)
    assert counts(done)["created"] == counts(done)["updated"] == 1, done.stderr
    assert (contact(sandbox)["PHONE"], contact(sandbox)["TITLE"]) == (None, title)
    made = sandbox.records("/Contacts")[-1]
    assert (made["FIRST_NAME"], made["BACKGROUND"]) == ("Bo🎪", "1\n2")
    assert made["TAGS"][0]["TAG_NAME"] == "vip"


def test_every_digit_of_a_number_is_sent(sandbox: Sandbox) -> None:
    args = ("load", "opportunity", "-", "--dry-run", "--format")
    content = '{"OPPORTUNITY_NAME": "Engine", "BID_AMOUNT": 1234567890123456.70}'
    done = run(sandbox, *args, "jsonl", input=content)
    assert '"BID_AMOUNT":1234567890123456.70' in done.stdout
    content = "OPPORTUNITY_NAME,BID_AMOUNT\nEngine,1234567890123456.70\n"
    done = run(sandbox, *args, "csv", input=content)
    assert '"BID_AMOUNT":1234567890123456.70' in done.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Standard input is empty: it has no line of column names."),
        ("\n\n", "Standard input is empty"),
        ("FIRST_NAME,\nBo,x\n", "line 1 gives column 2 no name"),
        ("FIRST_NAME, ,TITLE\nBo,x,y\n", "line 1 gives column 2 no name"),
        ("TITLE,FIRST_NAME,TITLE \nDr,Bo,Dr\n", "line 1 has more than one column TITLE"),
        ("FIRST_NAME,TITLE\nBo,Dr\nJo\n", "line 3 has 1 cells, but there are 2 columns"),
        ("FIRST_NAME,TITLE\nBo,Dr\nJo,Dr,x\n", "line 3 has 3 cells, but there are 2 columns"),
        ('FIRST_NAME,TITLE\n"B\no",Dr\n\nJo\n', "line 5 has 1 cells"),
        ('FIRST_NAME\nBo\n"Jo\nMo\n', "line 3 is no CSV: unexpected end of data"),
        ('FIRST_NAME\nBo\n"Jo"x\n', "line 3 is no CSV"),
        (b"FIRST_NAME\nBo\nJos\xe9\n", "line 3 is no text in UTF-8 (byte 4)"),
        ("FIRST_NAME\nBo\n".encode("utf-16"), "line 1 is no text in UTF-8, but in UTF-16"),
        ("FIRST_NAME\nBo\n".encode("utf-16-le"), "line 1 has a character that is in no text"),
        ("FIRST_NAME\nB\0o\n", "line 2 has a character that is in no text"),
        ("FIRST_NAM\nBo\n", "no field 'FIRST_NAM' (did you mean 'FIRST_NAME'"),
        ("FIRST_NAM\nBo\n", "Name its field in --map"),
        ("FIRST_NAME,first_name\nBo,Jo\n", "would be written to FIRST_NAME"),
    ],
)
def test_a_file_that_is_not_right_is_refused_whole(
    sandbox: Sandbox, content: str | bytes, said: str
) -> None:
    done = load(sandbox, content)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not asked(sandbox, *WRITES)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "is no JSON object, but [1]"),
        ("7", "is no JSON object, but 7"),
        ("null", "is no JSON object, but null"),
        ("x", "is no JSON: Expecting value (character 1)"),
        ('{"FIRST_NAME": "Bo"', "is no JSON: Expecting"),
        ('{"FIRST_NAME": "Bo"} {}', "is no JSON: Extra data"),
        ('{"FIRST_NAME": "Bo", "FIRST_NAME": "Jo"}', "it has two values for 'FIRST_NAME'"),
        ('{"FIRST_NAME": "a\\ud83d"}', "has half a character"),
        ('{"FIRST_NAME": {"\\uDC00": 1}}', "has half a character"),
        ('{"FIRST_NAME": NaN}', "NaN is no number of JSON"),
        ('{"FIRST_NAME": -Infinity}', "-Infinity is no number of JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"FIRST_NAME": ' + "1" * 10_000 + "}", "is no JSON that can be used"),
        ('{"FIRST_NAME": "Bo", "TITEL": "Dr"}', "no field 'TITEL'"),
    ],
)
def test_a_line_that_is_no_object_is_refused_with_its_number(
    sandbox: Sandbox, line: str, said: str
) -> None:
    content = f'{{"FIRST_NAME": "Mo"}}\n\n{line}\n'
    done = run(sandbox, "load", "contacts", "-", "--format", "jsonl", input=content)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert ("line 3" in done.stderr) == ("no field" not in said)
    assert not asked(sandbox, *WRITES)


def test_a_file_of_json_without_rows_is_refused(sandbox: Sandbox) -> None:
    done = run(sandbox, "load", "contacts", "-", "--format", "jsonl", input="\n")
    assert (done.code, "is empty" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("a.TSV", "csv"), ("a.jsonl", ""), ("a.ndjson", "")]
)
def test_the_name_of_a_file_tells_what_it_is(
    sandbox: Sandbox, tmp_path: Path, name: str, form: str
) -> None:
    path = tmp_path / name
    path.write_text("FIRST_NAME\nBo\n" if form else '{"FIRST_NAME": "Bo"}\n')
    assert counts(run(sandbox, "load", "contacts", path))["created"] == 1
    other = tmp_path / "b.txt"
    path.rename(other)
    assert run(sandbox, "load", "contacts", other).code == 2
    done = run(sandbox, "load", "contacts", other, "--format", form or "jsonl")
    assert counts(done)["created"] == 1


def test_a_pipe_is_read_like_a_file(sandbox: Sandbox, tmp_path: Path) -> None:
    command = [*COMMAND, "load", "contacts", "-", "--format", "csv"]
    options: dict[str, Any] = {"env": environment(sandbox), "cwd": tmp_path, "capture_output": True}
    done = subprocess.run(command, input=people(3).encode(), check=False, **options)  # noqa: S603
    assert b"3 created" in done.stderr
    path = tmp_path / "people.csv"
    path.write_text(f"a line that was read by somebody\n{people(2)}")
    with path.open("rb", buffering=0) as file:
        file.seek(len("a line that was read by somebody\n"))
        done = subprocess.run(command, stdin=file, check=False, **options)  # noqa: S603
    assert b"2 created" in done.stderr
