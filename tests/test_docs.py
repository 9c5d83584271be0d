"""README.md, docs/ and meltano.yml say what is true, and lead to what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tap_insightly.settings import SETTINGS
from tap_insightly.streams import STREAMS
from tap_insightly.tap import TapInsightly

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
}
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("module", ["tables", "erd", "flow"])
def test_what_is_generated_is_current(module: str) -> None:
    command = [sys.executable, "-m", f"docs.{module}", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr


def test_the_readme_can_be_read_at_one_go() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 200


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    heads = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_links_to_is_there(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", PAGES[name])):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            found = anchors(target.read_text(encoding="utf-8"))
            # The site has the changelog and the guide for contributors by inclusion.
            included = re.search(r"\{include\} \.\./(\S+)", target.read_text(encoding="utf-8"))
            found |= (
                anchors((ROOT / included[1]).read_text(encoding="utf-8")) if included else set()
            )
            assert anchor in found, link


def test_the_start_page_leads_to_every_page() -> None:
    trees = re.findall(r"```\{toctree\}\n(.*?)```", PAGES["docs/index.md"], re.DOTALL)
    listed = [line for tree in trees for line in tree.split("\n\n")[1].split()]
    assert sorted(listed) == sorted(path.stem for path in DOCS.glob("*.md") if path.stem != "index")


def test_the_pages_name_every_setting_and_every_stream() -> None:
    for setting in SETTINGS:
        row = rf"^\| `{setting.name}` \|"
        assert re.search(row, PAGES["docs/settings.md"], re.MULTILINE), setting.name
    for stream in STREAMS:
        row = rf"^\| `{stream.name}` \|"
        text = PAGES["docs/streams.md"] + PAGES["docs/children.md"]
        assert re.search(row, text, re.MULTILINE), stream.name


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


def test_what_there_is_to_paste_selects_what_the_plugin_definition_does() -> None:
    page = PAGES["docs/with-meltano.md"]
    block = re.search(r"```yaml\n(plugins:.*?)```", page, re.DOTALL)
    assert block
    (plugin,) = yaml.safe_load(block[1])["plugins"]["extractors"]
    text = (ROOT / "plugins" / "tap-insightly.yml").read_text(encoding="utf-8")
    assert sorted(plugin["select"]) == sorted(yaml.safe_load(text)["select"])
    assert "meltano add tap-insightly --no-install --from-ref" in page


def test_the_messages_that_are_explained_are_those_of_the_package() -> None:
    page = PAGES["docs/troubleshooting.md"]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    messages = [message for message, _cause, _advice in rows]
    assert len(messages) > 40
    assert len(messages) == len(re.findall(r"^\| `", page, re.MULTILINE)), "a row lacks a column"
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
