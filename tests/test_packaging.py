"""What users install: wheel and source distribution, into an environment with nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import KEY, new_sandbox, run_process, tap_environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
UV = ROOT / ".tools" / "bin" / "uv"

pytestmark = pytest.mark.slow


def run(
    *command: object, env: Mapping[str, str] | None = None, is_to_fail: bool = False
) -> subprocess.CompletedProcess[str]:
    parts = [str(part) for part in command]
    done = run_process(parts, env={**os.environ, **(env or {})}, folder=ROOT, timeout=600)
    assert (done.returncode != 0) == is_to_fail, done.stderr
    return done


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and source distribution, built as a release is."""
    if not UV.exists():
        pytest.fail("uv is missing; `make test` installs it")
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--quiet", "--out-dir", folder)
    return folder


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def python(request: pytest.FixtureRequest, dist: Path) -> Path:
    """An empty environment in which only the package and its core dependencies are."""
    (package,) = dist.glob("*.whl" if request.param == "wheel" else "*.tar.gz")
    environment = dist / request.param
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    folder = Path(sysconfig.get_path("scripts", vars={"base": str(environment)}))
    python = folder / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, package)
    return python


def test_it_says_what_it_is(python: Path) -> None:
    for command in ([python.parent / "tap-insightly"], [python, "-m", "tap_insightly"]):
        about = json.loads(run(*command, "--about", "--format=json").stdout)
        assert about["name"] == "tap-insightly"
        assert about["version"] != "[could not be detected]"


def test_it_reads(python: Path, tmp_path: Path) -> None:
    with new_sandbox(records=5).serve() as sandbox:
        env = tap_environment(api_key=KEY, api_url=sandbox.api_url, requests_per_second=100)
        out = run(python.parent / "tap-insightly", "--config=ENV", env=env).stdout
    (tmp_path / "out").write_text(out)
    streams = [json.loads(line).get("stream") for line in out.splitlines()]
    assert streams.count("contacts") == 1 + 5  # a schema and the records


def test_it_writes(python: Path) -> None:
    """The command line and the target work without extras, too."""
    folder = python.parent
    with new_sandbox(records=5).serve() as sandbox:
        env = tap_environment(api_key=KEY, api_url=sandbox.api_url)
        command = ("create", "contact", "FIRST_NAME=Ada", "--id-only")
        made = run(folder / "insightly", *command, env=env).stdout
        assert int(made) == sandbox.records("/Contacts")[-1]["CONTACT_ID"]
        shown = run(folder / "insightly", "objects", env=env).stdout
        assert "Contact" in shown
    about = json.loads(run(folder / "target-insightly", "--about", "--format=json").stdout)
    assert about["name"] == "target-insightly"


def test_the_sandbox_says_what_it_needs(python: Path) -> None:
    for command in ([python, "-m", "tap_insightly.sandbox"], [python.parent / "insightly-sandbox"]):
        said = run(*command, is_to_fail=True).stderr
        assert said == "The sandbox needs more packages: pip install 'tap-insightly[sandbox]'\n"


def test_few_packages_come_along(python: Path) -> None:
    listed = run(UV, "pip", "list", "--format=json", "--python", python).stdout
    names = {package["name"] for package in json.loads(listed)}
    assert {"singer-sdk", "requests", "msgspec"} <= names
    assert not names & {"starlette", "uvicorn", "rich", "pytest", "duckdb"}


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tap_insightly"}
    documents = ("insightly.json", "insightly-write.json")
    assert {f"tap_insightly/openapi/{name}" for name in documents} <= set(names)
    assert "tap_insightly/py.typed" in names
    assert not [name for name in names if "__pycache__" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_source_distribution_can_be_tested(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "meltano.yml", "tests/conftest.py"} <= names


def test_it_builds_without_git(tmp_path: Path, dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    (tree / "PKG-INFO").unlink()  # where an sdist keeps its version
    shutil.rmtree(tree / "tests")  # where the key of the tests is written down
    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", tree)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.name.startswith("tap_insightly-")
