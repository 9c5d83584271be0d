"""Plugin definitions for Meltano: up to date, and of the form that MeltanoHub asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_insightly.loader import TargetInsightly
from tap_insightly.streams import STREAMS, RelatedStream
from tap_insightly.tap import TapInsightly

ROOT = Path(__file__).parents[1]
PLUGINS = [TapInsightly, TargetInsightly]
# What MeltanoHub's schemas of definitions allow, and what they ask for.
KEYS = set(
    "capabilities commands definition description docs domain_url executable hidden keywords label "
    "log_parser logo_url maintenance_status name namespace next_steps pip_url prereq python "
    "quality repo requires settings settings_group_validation settings_preamble "
    "supported_python_versions usage variant".split()
)
OF_KIND = {
    "tap-insightly": {"metadata", "schema", "select"},
    "target-insightly": {"dialect", "target_schema"},
}
NEEDED = {"name", "namespace", "variant", "quality"}
SETTING = set(
    "name aliases label value placeholder kind description tooltip documentation env "
    "value_processor value_post_processor oauth options docs hidden sensitive".split()
)
KINDS = set(
    "oauth hidden password date_iso8601 file email integer options object array boolean string "
    "decimal".split()
)
CAPABILITIES = {
    "tap-insightly": set(
        "properties catalog discover state about stream-maps schema-flattening activate-version "
        "batch test log-based structured-logging".split()
    ),
    "target-insightly": set(
        "about stream-maps activate-version batch soft-delete hard-delete datatype-failsafe "
        "schema-flattening target-schema validate-records structured-logging".split()
    ),
}
STATUS = {"active", "beta", "development", "inactive", "unknown"}


def definition(plugin: type[TapInsightly | TargetInsightly]) -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "plugins" / f"{plugin.name}.yml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_they_are_up_to_date() -> None:
    command = [sys.executable, ROOT / "docs" / "plugins.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("plugin", PLUGINS)
def test_they_have_the_form_that_meltanohub_asks_for(
    plugin: type[TapInsightly | TargetInsightly],
) -> None:
    made = definition(plugin)
    assert NEEDED <= set(made) <= KEYS | OF_KIND[plugin.name]
    assert set(made["capabilities"]) <= CAPABILITIES[plugin.name]
    assert made["maintenance_status"] in STATUS
    assert made["quality"] in {"gold", "silver", "bronze", "unknown"}
    names = [setting["name"] for setting in made["settings"]]
    assert len(names) == len(set(names))
    assert {name for group in made["settings_group_validation"] for name in group} <= set(names)
    for setting in made["settings"]:
        assert set(setting) <= SETTING
        assert setting["kind"] in KINDS
        assert ("options" in setting) is (setting["kind"] == "options")
        for option in setting.get("options", ()):
            assert set(option) == {"label", "value"}
            assert isinstance(option["value"], str)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_they_say_what_the_plugin_says_of_itself(
    plugin: type[TapInsightly | TargetInsightly],
) -> None:
    made = definition(plugin)
    assert set(made["capabilities"]) == {one.value for one in plugin.capabilities}
    assert "structured-logging" in made["capabilities"]
    described = {one["name"]: one for one in made["settings"]}
    for setting in plugin.settings:
        one = described[setting.name]
        assert one["description"].startswith(setting.description)
        assert one.get("value") == setting.default
        assert one.get("sensitive", False) is setting.is_secret
        if "string" in setting.schema["type"]:  # Meltano must not read it as something else
            assert one["kind"] in {"string", "options", "date_iso8601"}
        choices = [option["value"] for option in one.get("options", ())]
        assert choices == setting.schema.get("enum", [])


def test_what_belongs_to_records_is_not_read_by_default() -> None:
    rules = definition(TapInsightly)["select"]
    assert rules[0] == "*.*"
    assert {rule[1:-2] for rule in rules[1:]} == {
        stream.name for stream in STREAMS if issubclass(stream, RelatedStream)
    }
