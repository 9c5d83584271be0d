"""docs/dlt.md: its programs run, one after the other, as whoever copies them would."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import KEY
from tests.dlt.conftest import ask, contacts

if TYPE_CHECKING:
    import pytest

    from tap_insightly.sandbox import Sandbox

PAGE = Path(__file__).parents[2] / "docs" / "dlt.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_programs_do_what_the_page_says(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__INSIGHTLY__API_KEY", KEY)
    monkeypatch.setenv("SOURCES__INSIGHTLY__API_URL", sandbox.api_url)
    monkeypatch.setenv("SOURCES__INSIGHTLY__REQUESTS_PER_SECOND", "100")
    first, chosen, marked, replaced = PROGRAMS
    names: dict[str, Any] = {}

    def run(program: str) -> Any:
        exec(compile(ast.parse(program), str(PAGE), "exec"), names)  # noqa: S102 - our own page
        return names["pipeline"]

    pipeline = run(first)
    assert len(ask(pipeline, "select * from crm.opportunities")) == len(
        sandbox.records("/Opportunities")
    )
    gone, marked_one, *_ = contacts(sandbox)
    sandbox.delete("/Contacts", gone)
    sandbox.update("/Contacts", marked_one, BACKGROUND="Not to be loaded", LAST_NAME="Changed")
    run(chosen)
    assert ask(pipeline, "select * from crm.fruit__c")
    (row,) = ask(pipeline, "select * from crm.contacts where last_name = 'Changed'")
    assert row["background"] is None
    there = [one["contact_id"] for one in ask(pipeline, "select contact_id from crm.contacts")]
    sandbox.delete("/Contacts", marked_one)
    run(marked)
    (row,) = ask(pipeline, "select * from crm.contacts where _sdc_deleted_at is not null")
    assert (row["contact_id"], row["last_name"]) == (marked_one, None)
    assert sorted(there) == sorted(contacts(sandbox) + [marked_one] + [gone] * (gone in there))
    sandbox.delete("/Users", sandbox.records("/Users")[0]["USER_ID"])
    run(replaced)
    assert len(ask(pipeline, "select * from crm.users")) == len(sandbox.records("/Users"))
