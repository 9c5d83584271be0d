"""docs/python.md does what it says, docs/api.md has all, and docstrings name what there is."""

from __future__ import annotations

import builtins
import doctest
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly import api
from tap_insightly.api.records.search_lag import SEARCH_LAG
from tests.conftest import KEY

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
_EXPORTED = {name: getattr(api, name) for name in api.__all__}
ERRORS = {
    name
    for name, one in _EXPORTED.items()
    if inspect.isclass(one) and issubclass(one, api.InsightlyError)
}


def test_every_block_of_the_page_runs_and_answers_what_it_shows(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_INSIGHTLY_API_KEY", KEY)
    monkeypatch.setenv("TAP_INSIGHTLY_API_URL", sandbox.api_url)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(verbose=False, optionflags=options)
    examples = doctest.DocTestParser().get_examples("\n".join(BLOCKS))
    assert len(examples) > 40
    told: list[str] = []
    runner.run(doctest.DocTest(examples, {}, PAGE.name, str(PAGE), 0, None), out=told.append)
    assert not told, "".join(told)


def test_every_block_is_tried() -> None:
    assert len(BLOCKS) == TEXT.count("```python\n") > 10
    for block in BLOCKS:
        assert block.startswith(">>> "), "a block that would not run"
        assert block.endswith("\n\n"), "what it answers ends with an empty line"


def test_every_error_is_in_the_table_and_every_error_of_the_table_exists() -> None:
    table = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert set(table) == ERRORS - {"InsightlyError"}
    assert len(table) == len(set(table))


def test_the_contents_lead_to_all_sections() -> None:
    linked = re.findall(r"\]\(#([\w-]+)\)", TEXT)
    sections = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert linked == [section.lower().replace(" ", "-") for section in sections]


def test_the_reference_has_everything_that_is_exported() -> None:
    reference = PAGE.with_name("api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\.\. auto\w+:: (\w+)$", reference, re.MULTILINE)
    assert sorted(listed) == sorted(api.__all__)


def test_as_long_as_the_page_says_is_looked_for_a_lost_record() -> None:
    assert SEARCH_LAG == 8
    assert "within eight seconds" in TEXT


def public() -> list[Any]:
    """All public functions and methods of what is exported, each with a name for the test."""
    found: list[Any] = []
    for name in api.__all__:
        one = getattr(api, name)
        members = inspect.getmembers(one, is_function) if inspect.isclass(one) else []
        own = [
            (f"{name}.{member}", function)
            for member, function in members
            if str(getattr(function, "__module__", "")).startswith("tap_insightly")
            and (not member.startswith("_") or member == "__init__")
            and not is_generated(one, member)
        ]
        found += own if inspect.isclass(one) else [(name, one)]
    return [pytest.param(function, id=name) for name, function in found]


def is_function(one: object) -> bool:
    return inspect.isfunction(one) or inspect.ismethod(one)


def is_generated(one: type, member: str) -> bool:
    return member == "__init__" and hasattr(one, "__dataclass_fields__")


def sections(function: Any) -> dict[str, list[str]]:
    """The sections of a docstring, each with the names that it explains."""
    found: dict[str, list[str]] = {}
    text = inspect.cleandoc(function.__doc__ or "")
    for title, body in re.findall(r"^(\w+):\n((?: {4,}.*\n?|\n)+)", text, re.MULTILINE):
        found[title] = re.findall(r"^ {4}(\*{0,2}\w+):", body, re.MULTILINE)
    return found


@pytest.mark.parametrize("function", public())
def test_a_docstring_has_the_arguments_of_the_signature_and_what_comes_back(function: Any) -> None:
    signature = inspect.signature(function)
    stars: dict[Any, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    names = [
        stars.get(one.kind, "") + one.name
        for one in signature.parameters.values()
        if one.name not in {"self", "cls"}
    ]
    told = sections(function)
    assert told.get("Args", []) == names
    returned = str(signature.return_annotation)
    is_generator = returned.startswith(("Generator", "Iterator"))
    assert ("Yields" in told) == is_generator
    if not is_generator and function.__name__ != "__exit__":
        assert ("Returns" in told) == (returned != "None")


@pytest.mark.parametrize("function", public())
def test_what_a_docstring_says_is_raised_exists(function: Any) -> None:
    for name in sections(function).get("Raises", []):
        assert name in ERRORS or issubclass(getattr(builtins, name, object), Exception), name
