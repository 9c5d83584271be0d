"""Writes the plugin definitions for ``meltano add --from-ref``. Run by ``make docs``.

They have the keys that MeltanoHub's definitions have. All that is said of settings and capabilities
comes from the code. Those of targets of others are what docs/destinations.md shows, in that form:
the version that is tested, and the settings that it needs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from docs.tables import meltano_setting
from tap_insightly.loader import TargetInsightly
from tap_insightly.streams import STREAMS, RelatedStream
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "plugins"
HEAD = """\
# Made by make docs. To use it: meltano add {name} --no-install --from-ref FILE-OR-URL
# Then put the address of this repository where meltano.yml says URL-of-this-repository,
# and run: meltano install
"""
LOADER_HEAD = """\
# Made by make docs from docs/destinations.md: the version that is tested, which may not be the one
# that Meltano's hub would choose. To use it: meltano add {name} --from-ref FILE-OR-URL
"""
LABELS = {
    "target-postgres": ("Postgres", "meltanolabs"),
    "target-duckdb": ("DuckDB", "jwills"),
    "target-jsonl": ("JSON lines", "andyh1203"),
    "target-csv": ("CSV", "meltanolabs"),
}
"""What each is called, and who makes it, as MeltanoHub says it."""
PREREQ = (
    "An API key and the pod, both from Insightly under *User Settings > API*. {name} sees and may "
    "do what the user of the key may."
)


def select() -> list[str]:
    """List what is read unless something else is said: not what belongs to records.

    Returns:
        Rules as Meltano has them.
    """
    left_out = [one.name for one in STREAMS if issubclass(one, RelatedStream)]
    return ["*.*", *(f"!{name}.*" for name in left_out)]


def definition(plugin: type[TapInsightly | TargetInsightly]) -> dict[str, Any]:
    """Describe a plugin, in what tap and target have alike.

    Args:
        plugin: Its class.

    Returns:
        A definition as Meltano has it.
    """
    name = plugin.name
    schema = dict(plugin.config_jsonschema)
    plugin.append_builtin_config(schema)
    return {
        "name": name,
        "variant": "tap-insightly",
        "namespace": name.replace("-", "_"),
        "label": "Insightly",
        "description": plugin.summary,
        "domain_url": "https://api.insightly.com/v3.1/Help",
        "logo_url": f"/assets/logos/{_folder(plugin)}/insightly.png",
        "keywords": ["meltano_sdk", "api", "crm"],
        "maintenance_status": "active",
        "quality": "unknown",  # MeltanoHub's own judgement
        "pip_url": "git+URL-of-this-repository",
        "executable": name,
        "capabilities": sorted(one.value for one in plugin.capabilities),
        "prereq": PREREQ.format(name=name),
        "settings_group_validation": [["api_key"], ["account"]],
        "settings": [meltano_setting(key, prop) for key, prop in schema["properties"].items()],
    }


def tap() -> dict[str, Any]:
    """Describe the tap.

    Returns:
        A definition as Meltano has it.
    """
    return definition(TapInsightly) | {
        "select": select(),
        "next_steps": "Set `select` in your `meltano.yml`: without it Meltano selects all streams, "
        "and some of them cost a request for each record that was changed.",
        "usage": "`insightly check` says whether key and pod are right, and what the user may see; "
        "`insightly plan` what a run would cost.",
    }


def target() -> dict[str, Any]:
    """Describe the target.

    Returns:
        A definition as Meltano has it.
    """
    return definition(TargetInsightly) | {
        "next_steps": "Run it with `dry_run: true` first: it says what would be written.",
        "usage": "What was written can be put back by `insightly undo`, if `undo_file` is set.",
    }


def loaders() -> Iterator[dict[str, Any]]:
    """Describe the targets that are tested, as the page on them shows them.

    Yields:
        Definitions as Meltano has them.
    """
    page = (ROOT / "docs" / "destinations.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```yaml\n(plugins:.*?)^```$", page, re.DOTALL | re.MULTILINE):
        for shown in yaml.safe_load(block)["plugins"].get("loaders", ()):
            label, variant = LABELS[shown["name"]]
            yield {
                "name": shown["name"],
                "variant": variant,
                "namespace": shown["namespace"],
                "label": label,
                "quality": "unknown",
                "pip_url": shown["pip_url"],
                "executable": shown["name"],
                "settings": [
                    {"name": name, "kind": _kind(name, value), "value": value}
                    | ({"sensitive": True} if name == "password" else {})
                    for name, value in shown["config"].items()
                ],
            }


def _kind(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "password" if name == "password" else "string"


def _folder(plugin: type[TapInsightly | TargetInsightly]) -> str:
    return "extractors" if issubclass(plugin, TapInsightly) else "loaders"


def files() -> dict[Path, str]:
    """Make all definitions.

    Returns:
        What each file should hold.
    """
    found = {}
    for made in (tap(), target()):
        body = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=90)
        found[FOLDER / f"{made['name']}.yml"] = HEAD.format(name=made["name"]) + body
    for made in loaders():
        body = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=90)
        found[FOLDER / f"{made['name']}.yml"] = LOADER_HEAD.format(name=made["name"]) + body
    return found


def main() -> None:
    """Write the files, or with ``--check`` see whether they are as they should be."""
    is_check = sys.argv[1:] == ["--check"]
    for path, text in files().items():
        if is_check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            sys.exit(f"{path.name} is not up to date: run `make docs`.")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
