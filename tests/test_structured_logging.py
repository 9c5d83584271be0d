"""Structured logging, as Meltano switches it on: each line on standard error is a JSON object."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import KEY, only, run_process, tap_environment
from tests.loader.feeding import record, schema

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap


@pytest.fixture
def log_config(tmp_path: Path) -> str:
    """What Meltano writes for a plugin that says it can log like this."""
    path = tmp_path / "logging.json"
    handler = {
        "class": "logging.StreamHandler",
        "formatter": "structured",
        "stream": "ext://sys.stderr",
    }
    content = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {"console": handler},
        "root": {"level": "DEBUG", "handlers": ["console"]},
    }
    path.write_text(json.dumps(content))
    return str(path)


def logged(stderr: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stderr.splitlines()]
    assert lines
    for line in lines:
        assert {"level", "message", "logger_name"} <= set(line)
    return lines


@pytest.mark.parametrize("script", [[], ["401"] * 9, ["ok", "429", "503"]])
def test_all_that_the_tap_says_is_json(
    tap: Tap, sandbox: Sandbox, tmp_path: Path, log_config: str, script: list[str]
) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users")
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    sandbox.faults = Faults(script=list(script))
    env = tap_environment(api_key=KEY, api_url=sandbox.api_url)
    command = [sys.executable, "-m", "tap_insightly", "--config=ENV", "--catalog=catalog.json"]
    env["SINGER_SDK_LOG_CONFIG"] = log_config
    done = run_process(command, env=env, folder=tmp_path)
    lines = logged(done.stderr)
    assert done.returncode == (77 if "401" in script else 0)
    errors = [line["message"] for line in lines if line["level"] == "error"]
    assert bool(errors) is ("401" in script)
    if "401" not in script:
        assert "record_count" in {line.get("metric_info", {}).get("metric") for line in lines}


@pytest.mark.parametrize("name", ["Ann", None])
def test_all_that_the_target_says_is_json(
    sandbox: Sandbox, tmp_path: Path, log_config: str, name: str | None
) -> None:
    messages = [schema("contacts", "FIRST_NAME"), record("contacts", FIRST_NAME=name)]
    (tmp_path / "messages.jsonl").write_text("".join(json.dumps(one) + "\n" for one in messages))
    settings = tap_environment(api_key=sandbox.api_key, api_url=sandbox.api_url)
    env = {key.replace("TAP_INSIGHTLY", "TARGET_INSIGHTLY"): one for key, one in settings.items()}
    env["SINGER_SDK_LOG_CONFIG"] = log_config
    command = [
        sys.executable,
        "-m",
        "tap_insightly.loader",
        "--config=ENV",
        "--input=messages.jsonl",
    ]
    done = run_process(command, env=env, folder=tmp_path)
    lines = logged(done.stderr)
    errors = [line["message"] for line in lines if line["level"] == "error"]
    assert bool(errors) is (done.returncode != 0) is (name is None)
