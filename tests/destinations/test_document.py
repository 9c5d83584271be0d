"""docs/destinations.md says what the tests here do."""

from __future__ import annotations

import re

import pytest

from tests.destinations.pipe import DOC, ROOT, documented

TARGETS = ("target-csv", "target-duckdb", "target-jsonl", "target-postgres")


@pytest.mark.parametrize("target", TARGETS)
def test_the_versions_shown_are_those_that_are_tested(target: str) -> None:
    pinned = (ROOT / "requirements" / f"{target}.txt").read_text(encoding="utf-8")
    for requirement in documented(target)["pip_url"].split():
        assert re.search(rf"^{re.escape(requirement)}[ ;\\]", pinned, re.MULTILINE), requirement


def test_the_versions_told_of_are_those_that_are_tested() -> None:
    told = dict(re.findall(r"((?:meltanolabs-)?target-\w+) (\d[\d.]*\d)", DOC.read_text("utf-8")))
    assert told
    for target, version in told.items():
        name = target.removeprefix("meltanolabs-")
        assert documented(name)["pip_url"].split()[0].endswith(f"{name}=={version}")
