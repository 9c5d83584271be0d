"""README.md and meltano.yml say what is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tap_insightly.openapi import COMPONENTS
from tap_insightly.settings import SETTINGS
from tap_insightly.streams import STREAMS
from tap_insightly.tap import TapInsightly

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_generated_is_current() -> None:
    command = [sys.executable, ROOT / "docs" / "tables.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr


def test_the_readme_names_every_setting_and_every_stream() -> None:
    for setting in SETTINGS:
        assert re.search(rf"^\| `{setting.name}` \|", README, re.MULTILINE), setting.name
    for stream in STREAMS:
        assert re.search(rf"^\| `{stream.name}` \|", README, re.MULTILINE), stream.name


def test_meltano_yml_has_every_setting_and_capability_of_the_tap() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = project["plugins"]["extractors"]
    schema = dict(TapInsightly.config_jsonschema)
    TapInsightly.append_builtin_config(schema)
    assert [setting["name"] for setting in plugin["settings"]] == list(schema["properties"])
    for setting in plugin["settings"]:
        assert all(setting.get(part) for part in ("kind", "label", "description")), setting["name"]
    assert set(plugin["capabilities"]) == {one.value for one in TapInsightly.capabilities}
    assert [s["name"] for s in plugin["settings"] if s.get("sensitive")] == ["api_key"]


def test_what_the_readme_has_to_paste_selects_what_the_plugin_definition_does() -> None:
    block = re.search(r"```yaml\n(plugins:.*?)```", README, re.DOTALL)
    assert block
    (plugin,) = yaml.safe_load(block[1])["plugins"]["extractors"]
    text = (ROOT / "plugins" / "tap-insightly.yml").read_text(encoding="utf-8")
    assert sorted(plugin["select"]) == sorted(yaml.safe_load(text)["select"])
    assert "meltano add tap-insightly --no-install --from-ref" in README


def test_the_messages_that_the_readme_explains_are_those_of_the_tap() -> None:
    table = README.partition("| message | what to do |")[2].partition("\n\n")[0]
    messages = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    assert len(messages) > 15
    texts = [
        node.value
        for path in (ROOT / "tap_insightly").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    others = ("Stream is assumed to be unsorted", "Failed to resolve")  # of the SDK, of urllib3
    for message in messages:
        if any(text in message for text in others):
            continue
        # What is between dots and quotation marks is said as it is, the rest is filled in.
        parts = [part.strip() for part in re.split(r"\.\.\.|'[^']*'|\d+", message)]
        longest = max(parts, key=len)
        assert any(longest in text for text in texts), message


def test_what_the_readme_says_of_fields_exists() -> None:
    diagram = re.search(r"```mermaid\n(erDiagram.*?)```", README, re.DOTALL)
    assert diagram
    schemas = COMPONENTS
    classes = {stream.name: stream for stream in STREAMS}
    tables = re.findall(r"^ {4}(\w+) \{\n(.*?)^ {4}\}", diagram[1], re.DOTALL | re.MULTILINE)
    assert len(tables) > 10
    for name, body in tables:
        component = schemas[vars(classes[name])["schema"].key]
        for field in re.findall(r"^ {8}\w+ (\w+)", body, re.MULTILINE):
            assert field in component["properties"], f"{name}.{field}"
    for left, right in re.findall(r"^ {4}(\w+) \S+ (\w+) :", diagram[1], re.MULTILINE):
        assert {left, right} <= {name for name, _ in tables}
