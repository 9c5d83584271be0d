"""Ranges and choices stand in the JSON schema, and what is accepted is what they say."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.config_schema import Setting, cleaned, problems
from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.settings import SETTINGS as TARGET_SETTINGS
from tap_insightly.settings import SETTINGS
from tap_insightly.tap import TapInsightly
from tests.conftest import KEY, tap_environment

if TYPE_CHECKING:
    from tap_insightly.plugin import InsightlyPlugin

PLUGINS: list[type[InsightlyPlugin]] = [TapInsightly, TargetInsightly]
ALL = [*SETTINGS, *(one for one in TARGET_SETTINGS if one not in SETTINGS)]
NUMERIC = [one for one in ALL if one.is_numeric]
CHOICES = [one for one in ALL if "enum" in one.schema]
OTHERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def ids(setting: Setting) -> str:
    return setting.name


def told(setting: Setting, value: object) -> list[str]:
    """What is said of a value."""
    config = {"api_key": KEY} | {setting.name: value}
    return list(problems(cleaned(config, [setting]), [setting]))


def configured(plugin: type[InsightlyPlugin], config: dict[str, Any]) -> InsightlyPlugin:
    """A plugin that has read these settings, and not yet checked them."""
    made = plugin.__new__(plugin)
    made._config = cleaned(config, plugin.settings)  # noqa: SLF001 - where the SDK keeps them
    return made


def limits(setting: Setting) -> list[tuple[str, float]]:
    return [
        (word, setting.schema[word]) for word in ("minimum", "maximum") if word in setting.schema
    ]


def beyond(setting: Setting, word: str, limit: float) -> float:
    is_whole = setting.schema["type"] == ["integer"]
    step = 1 if is_whole else max(abs(limit) / 1e6, 1e-6)
    return limit - step if word == "minimum" else limit + step


@pytest.mark.parametrize("form", [float, str, lambda value: f" {value} ", Decimal, json.dumps])
@pytest.mark.parametrize("setting", NUMERIC, ids=ids)
def test_numbers_are_taken_up_to_their_limits_and_not_beyond(setting: Setting, form: Any) -> None:
    assert limits(setting)
    for word, limit in limits(setting):
        assert not told(setting, limit)
        assert not told(setting, form(limit))
        past = beyond(setting, word, limit)
        for value in (past, form(past)):
            (problem,) = told(setting, value)
            assert problem.startswith(f"Setting '{setting.name}': got ")
            assert problem.endswith(f"; accepted is {setting.accepted}.")


@pytest.mark.parametrize("setting", NUMERIC, ids=ids)
@pytest.mark.parametrize(
    "value",
    [
        *(True, False),
        math.nan,
        math.inf,
        -math.inf,
        *("nan", "1e999", "-inf"),
        *("true", "1,5"),
        [],
    ],
)
def test_what_is_no_number_is_taken_for_none(setting: Setting, value: object) -> None:
    (problem,) = told(setting, value)
    assert f"accepted is {setting.accepted}" in problem


@pytest.mark.parametrize("setting", NUMERIC, ids=ids)
def test_numbers_without_end_are_told_of(setting: Setting) -> None:
    assert bool(told(setting, 10**400)) is ("maximum" in setting.schema)
    assert told(setting, -(10**400))


@pytest.mark.parametrize("setting", NUMERIC, ids=ids)
def test_parts_of_a_number_are_taken_where_the_schema_says_so(setting: Setting) -> None:
    half = limits(setting)[0][1] + 0.5
    is_whole = setting.schema["type"] == ["integer"]
    assert bool(told(setting, half)) is bool(told(setting, str(half))) is is_whole


def test_a_name_of_a_column_is_not_shortened_to_next_to_nothing() -> None:
    (setting,) = (one for one in ALL if one.name == "max_column_name_bytes")
    taken = [value for value in range(-1, 12) if not told(setting, value)]
    assert taken == [0, 10, 11]


@pytest.mark.parametrize("setting", CHOICES, ids=ids)
def test_choices_are_those_of_the_schema(setting: Setting) -> None:
    for word in setting.schema["enum"]:
        assert not told(setting, word)
        for other in (f"{word}s", word.upper(), f"{word}\n", [word]):
            (problem,) = told(setting, other)
            assert f"accepted is {setting.accepted}" in problem
            assert word in problem


@pytest.mark.parametrize("setting", ALL, ids=ids)
@settings(max_examples=30)
@given(value=OTHERS)
def test_ours_is_the_only_check_that_anything_can_fail(setting: Setting, value: object) -> None:
    """What it lets pass the SDK, which checks the same schema, does too; and nothing is raised."""
    plugin = TargetInsightly if setting in TARGET_SETTINGS else TapInsightly
    config = {"api_key": KEY, "allow_delete": True} | {setting.name: value}
    errors = configured(plugin, config)._validate_config(raise_errors=False)  # noqa: SLF001
    assert all(error.startswith("Setting '") for error in errors), errors


@pytest.mark.parametrize("plugin", PLUGINS)
def test_defaults_are_within_the_limits(plugin: type[InsightlyPlugin]) -> None:
    for setting in plugin.settings:
        if setting.default is not None:
            assert setting.accepts(setting.default)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_setting_that_is_null_is_one_that_was_not_made(plugin: type[InsightlyPlugin]) -> None:
    config = dict.fromkeys((one.name for one in plugin.settings), None)
    made = configured(plugin, {**config, "api_key": KEY})
    assert not made._validate_config()  # noqa: SLF001 - it fills in defaults, too
    for setting in plugin.settings:
        if setting.default is not None:
            assert made.config[setting.name] == setting.default


def test_about_shows_ranges_and_choices_in_each_format() -> None:
    for options in (["--format=json"], ["--format=markdown"]):
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "tap_insightly", "--about", *options],
            env=tap_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "a number from 0.1 to 100" in done.stdout
        assert "one typed column for each" in done.stdout
    about = TapInsightly.config_jsonschema["properties"]
    assert (about["page_size"]["minimum"], about["page_size"]["maximum"]) == (2, 500)
    assert about["custom_fields"]["enum"] == ["columns", "array", "both"]
