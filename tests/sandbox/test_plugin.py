"""The pytest plugin, in runs of pytest of their own, as those who have the package installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_insightly.sandbox.pytest_plugin import MakeSandbox

PLUGIN = "tap_insightly.sandbox.pytest_plugin"


def run(folder: Path, test: str, *options: str, is_found: bool = False) -> tuple[int, str]:
    """Run a file of tests; how that ended, and what was said.

    No other plugin is loaded, and this one by its name, unless pytest is to find it.
    """
    env = dict(os.environ)
    if not is_found:
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        options = ("-p", PLUGIN, *options)
    (folder / "test_it.py").write_text(dedent(test))
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_test_gets_an_insightly_of_its_own(tmp_path: Path) -> None:
    code, said = run(
        tmp_path,
        """
        import requests

        def count(sandbox):
            query = {"count_total": "true", "top": "1"}
            auth = (sandbox.api_key, "")
            answer = requests.get(f"{sandbox.api_url}/Contacts", query, auth=auth, timeout=60)
            return answer.headers["X-Total-Count"]

        def test_one(insightly_sandbox):
            assert count(insightly_sandbox) == "100"
            insightly_sandbox.create("/Contacts", FIRST_NAME="Ada")
            assert count(insightly_sandbox) == "101"

        def test_other(insightly_sandbox):
            assert count(insightly_sandbox) == "100"
        """,
        is_found=True,
    )
    assert code == 0, said
    assert "2 passed" in said


def test_a_marker_chooses_what_it_is_and_what_goes_wrong(tmp_path: Path) -> None:
    code, said = run(
        tmp_path,
        """
        import pytest

        pytestmark = pytest.mark.insightly_sandbox(records=7, faults={"page_cap": 2})

        def test_all(insightly_sandbox):
            assert insightly_sandbox.count("/Contacts") == 7
            assert insightly_sandbox.faults.page_cap == 2

        @pytest.mark.insightly_sandbox(plan="professional", api_key="mine")
        def test_one(insightly_sandbox):
            assert (insightly_sandbox.plan, insightly_sandbox.api_key) == ("professional", "mine")
            assert insightly_sandbox.faults.page_cap is None
        """,
        "--strict-markers",
    )
    assert code == 0, said
    assert "2 passed" in said


def test_several_can_be_made_and_stop_when_the_test_is_over(
    make_insightly_sandbox: MakeSandbox,
) -> None:
    one = make_insightly_sandbox(records=5)
    other = make_insightly_sandbox(records=5, is_empty=True, faults={"latency": 0.25})
    assert one.api_url != other.api_url
    assert (one.count("/Contacts"), other.count("/Contacts")) == (5, 0)
    assert (one.faults.latency, other.faults.latency) == (0, 0.25)


def test_a_sandbox_stops_with_its_test(tmp_path: Path) -> None:
    code, said = run(
        tmp_path,
        """
        import pytest, requests

        urls = []

        def test_one(make_insightly_sandbox):
            urls.append(make_insightly_sandbox(records=1).api_url)
            assert requests.get(urls[0], timeout=60).status_code == 401

        def test_then():
            with pytest.raises(requests.ConnectionError):
                requests.get(urls[0], timeout=60)
        """,
    )
    assert code == 0, said


def test_without_its_packages_only_tests_that_want_it_fail_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['starlette'] = None\n")
    code, said = run(
        tmp_path,
        """
        def test_other():
            pass

        def test_one(insightly_sandbox):
            pass
        """,
    )
    assert code == 1
    assert "1 passed, 1 error" in said
    assert "The sandbox needs more packages: pip install 'tap-insightly[sandbox]'" in said
    assert "Traceback" not in said
    assert "ModuleNotFoundError" not in said


def test_runs_that_do_not_use_it_load_nothing_of_it(tmp_path: Path) -> None:
    code, said = run(
        tmp_path,
        f"""
        import sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin({PLUGIN!r})
            loaded = {{name.partition(".")[0] for name in sys.modules}}
            assert not loaded & {{"click", "msgspec", "singer_sdk", "starlette", "uvicorn"}}
            own = {{name for name in sys.modules if name.startswith("tap_insightly")}}
            assert own == {{"tap_insightly", "tap_insightly.sandbox", {PLUGIN!r}}}
        """,
    )
    assert code == 0, said


def test_the_examples_of_the_documents_pass(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    page = page.partition("## In tests")[2]  # what comes before is no test: see test_docs.py
    examples = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    code, said = run(tmp_path, "\n".join(examples), "--strict-markers")
    assert code == 0, said
    assert f"{len(examples)} passed" in said
