"""Whatever the project says that it assumes has an entry, which says so of this very place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tap_insightly.probe import ASSUMPTIONS
from tap_insightly.probe.registry import CHECKS
from tap_insightly.probe.writing_checks import WRITTEN

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tap_insightly"
# How the code says that it relies on what no document promises.
MARK = re.compile(
    r"\bassumed\b|\b[Ss]een live\b"
    r"|\b(?:[Ww]hether|[Ww]hat|[Ww]hich|[Hh]ow)\b[^.:;]*?\bnot known\b"
)
# Says so of something else than the API.
OF_ITSELF = {
    "sync/deletions.py": 1,
    "sync/known_ids.py": 1,
    "sync/refresh.py": 2,
    "deletions.md": 1,
}
# Where documents list what is assumed.
SECTION = re.compile(
    r"^(?:## What is assumed\n|Assumed, as the API's documentation does not say:\n)"
    r"(.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)


def marks(text: str) -> int:
    """How often a file of the package says it; comments may go over several lines."""
    return len(MARK.findall(re.sub(r"\s+#?\s*", " ", text)))


def told(text: str) -> int:
    """How often a document says it: in its list, an item each, and elsewhere as code does."""
    text = re.sub(r"\bwhat[ -]is[ -]assumed\b|\[What is assumed\]", "", text)
    items = sum(len(re.findall(r"^- ", part, re.MULTILINE)) for part in SECTION.findall(text))
    return items + marks(SECTION.sub("", text))


def package_places() -> Counter[str]:
    places = Counter[str]()
    for path in PACKAGE.rglob("*"):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix in {".py", ".json"} and not name.startswith(
            ("probe/", "cli/commands/probe.py")
        ):
            places[name] = marks(path.read_text(encoding="utf-8")) - OF_ITSELF.get(name, 0)
    return +places


def document_places() -> Counter[str]:
    paths = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    # CONTRIBUTING.md says how to say it, and docs/probe.md lists what is said.
    return +Counter(
        {
            path.relative_to(ROOT).as_posix(): told(path.read_text(encoding="utf-8"))
            - OF_ITSELF.get(path.name, 0)
            for path in paths
            if path.name != "probe.md"
        }
    )


def test_every_place_that_assumes_something_has_an_entry() -> None:
    said = package_places() + document_places()
    covered = Counter(place for one in ASSUMPTIONS for place in one.said_in)
    apart = {
        place: f"says {said[place]} times that something is assumed, entries cover {covered[place]}"
        for place in {*said, *covered}
        if said[place] != covered[place]
    }
    assert not apart


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("# Ids ascend (seen live).", 1),
        ("# That it is so is\n    # assumed, as is that. Seen live elsewhere.", 2),
        ('"""Whether it includes\n    that is not known."""', 1),
        ('"""None if that is not known."""', 0),
        ("We asserted it.", 0),
    ],
)
def test_a_new_one_is_noticed(text: str, number: int) -> None:
    assert marks(text) == number
    assert told(f"# Page\n\n{text}\n\n## What is assumed\n\n- One.\n- Two\n  more.\n") == number + 2


def test_entries_are_complete() -> None:
    ids = [one.id for one in ASSUMPTIONS]
    assert len(ids) == len(set(ids))
    for one in ASSUMPTIONS:
        assert one.text[0].isupper()
        assert one.text.endswith(".")
        assert one.said_in or one.relied_on, one.id
        is_asked = one.id in CHECKS or one.id in WRITTEN
        assert is_asked == (not one.why_not), f"{one.id}: a check, or a reason why there is none"
    assert {*CHECKS, *WRITTEN} <= set(ids)
    assert not {*CHECKS} & {*WRITTEN}


def test_what_relies_on_an_assumption_exists() -> None:
    for one in ASSUMPTIONS:
        for place in (*one.said_in, *one.relied_on):
            assert (PACKAGE / place).is_file() or (ROOT / place).is_file(), f"{one.id}: {place}"


def test_the_page_lists_all() -> None:
    page = (ROOT / "docs" / "probe.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+?) \|", page, re.MULTILINE)
    assert rows == [(one.id, one.text) for one in ASSUMPTIONS]
