"""The files of deploy/schedule for cron, systemd, GitHub and Kubernetes: docs/scheduling.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_insightly.sandbox import Faults
from tests.deploy.schedules import SCHEDULES, Place, place
from tests.destinations.pipe import program
from tests.dockerfile import Dockerfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE = Dockerfile("sync.Dockerfile")
ANALYZE = shutil.which("systemd-analyze")
CRON = (SCHEDULES / "insightly.cron").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((SCHEDULES / "github.yml").read_text(encoding="utf-8"))
MANIFESTS = list(yaml.safe_load_all((SCHEDULES / "cronjob.yaml").read_text(encoding="utf-8")))
pytestmark = pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """A machine with two accounts, of which nothing is loaded yet."""
    with place(tmp_path) as found:
        yield found


# The script that all of them run


def test_each_account_is_synced_and_the_next_run_goes_on(here: Place) -> None:
    for name in ("acme", "beta"):
        done = here.sync(name)
        assert done.returncode == 0, done.stderr
        assert here.has_all(name)
    number = here.accounts["acme"].create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    before = here.loaded("acme")
    assert here.sync("acme").returncode == 0
    assert number in here.loaded("acme")[len(before) :] or number in here.loaded("acme")
    assert here.has_all("acme")


@pytest.mark.parametrize(
    ("faults", "code"),
    [(Faults(daily_quota=1), 75), (Faults(user_denied=True), 77), (Faults(error_rate=1), 75)],
)
def test_it_ends_as_the_tap_does_and_leaves_the_other_alone(
    here: Place, faults: Faults, code: int
) -> None:
    here.accounts["acme"].faults = faults
    assert here.sync("acme").returncode == code
    assert here.sync("beta").returncode == 0
    here.accounts["acme"].faults = Faults()
    assert here.sync("acme").returncode == 0
    assert here.has_all("acme")


def test_it_ends_as_the_target_does_and_says_what_it_lacks(here: Place) -> None:
    assert here.sync("acme", INSIGHTLY_TARGET="cat > /dev/null; exit 3").returncode == 3
    assert here.sync("none").returncode == 2  # no such account
    assert "Say which account" in here.run("bash", here.programs / "sync.sh").stderr
    assert "Say where" in here.sync("acme", INSIGHTLY_SYNCS="").stderr


def test_two_runs_of_an_account_do_not_overlap(here: Place) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        is_asked.set()
        may_answer.wait(60)

    here.accounts["acme"].on_request = hold
    command = ["bash", str(here.programs / "sync.sh"), "acme"]
    env = here.environment
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as first:  # noqa: S603
        assert is_asked.wait(60)
        second = here.sync("acme")
        assert second.returncode == 75
        assert "still going on" in second.stderr
        assert here.sync("beta").returncode == 0
        may_answer.set()
        assert first.wait(60) == 0
    here.accounts["acme"].on_request = None
    assert here.sync("acme").returncode == 0, "the lock is gone with its run"


def test_a_run_that_is_killed_leaves_a_state_and_no_lock(here: Place) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def hold(request: Any) -> None:
        if request.path.endswith("/Users"):
            is_asked.set()
            may_answer.wait(60)

    here.accounts["acme"].on_request = hold
    command = ["bash", str(here.programs / "sync.sh"), "acme"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, env=here.environment, stderr=subprocess.DEVNULL, start_new_session=True
    ) as first:
        assert is_asked.wait(60)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(60)
    may_answer.set()
    here.accounts["acme"].on_request = None
    json.loads((here.syncs / "acme" / "state.json").read_text())
    assert here.sync("acme").returncode == 0
    assert here.has_all("acme")


# cron


def crontab(here: Place) -> tuple[dict[str, str], dict[str, str]]:
    """The variables and, by account, the commands, with the folders of the test."""
    text = CRON.replace("/opt/insightly/bin", str(here.programs))
    text = text.replace("/etc/insightly/config.toml", str(here.folder / "config.toml"))
    text = text.replace("/etc/insightly/target.json", str(here.folder / "target.json"))
    text = text.replace("/var/lib/insightly/syncs", str(here.syncs))
    text = text.replace("/var/log/insightly", str(here.folder))
    variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    lines = re.findall(r"^(?:[\d*]+ +){5}insightly +(.*)$", text, re.MULTILINE)
    commands = {line.split()[1]: line for line in lines}
    assert len(commands) == 2
    return variables, commands


def as_cron(here: Place, account: str) -> tuple[int, str]:
    """Run a line as cron does: by the shell it names, with its variables and nothing else."""
    variables, commands = crontab(here)
    assert "%" not in commands[account], "cron takes it for the end of a line"
    env = {"HOME": str(here.folder), "LOGNAME": "insightly", **variables}
    done = subprocess.run(  # noqa: S603 - our own command
        [variables["SHELL"], "-c", commands[account]],
        env=env,
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_cron_sends_no_mail_but_of_what_somebody_has_to_do(here: Place) -> None:
    account = here.accounts["acme"]
    assert as_cron(here, "acme") == (0, "")
    assert here.has_all("acme")
    account.faults = Faults(daily_quota=0)
    assert as_cron(here, "acme") == (0, "")
    account.faults = Faults(user_denied=True)
    code, mail = as_cron(here, "acme")
    assert (code, mail) == (0, f"acme: exit code 77, see {here.folder}/acme.log\n")
    assert "did not accept the API key" in (here.folder / "acme.log").read_text()
    assert as_cron(here, "beta") == (0, "")


# systemd


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_its_units(tmp_path: Path) -> None:
    paths = []
    for kind in ("service", "timer"):
        text = (SCHEDULES / f"insightly-sync@.{kind}").read_text(encoding="utf-8")
        path = tmp_path / f"insightly-sync@acme.{kind}"
        path.write_text(text.replace("/opt/insightly/bin/sync.sh", str(SCHEDULES / "sync.sh")))
        paths.append(path)
    done = subprocess.run(  # noqa: S603 - systemd's own
        [str(ANALYZE), "verify", "--man=no", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_runs_the_script_and_tries_again_what_may_do_well(here: Place) -> None:
    text = (SCHEDULES / "insightly-sync@.service").read_text(encoding="utf-8")
    assert re.findall(r"^RestartForceExitStatus=(.*)$", text, re.MULTILINE) == ["75"]
    assert not re.findall(r"^Restart=", text, re.MULTILINE), "nothing else is tried again"
    named = dict(re.findall(r'^Environment="?(\w+)=(.*?)"?$', text, re.MULTILINE))
    assert named.keys() == here.environment.keys()
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert command == "/opt/insightly/bin/sync.sh %i"


# GitHub Actions


def test_the_workflow_is_one_by_the_schema_of_github() -> None:
    command = [program("check-jsonschema"), "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*map(str, command), str(SCHEDULES / "github.yml")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("faults", "code"),
    [(Faults(), 0), (Faults(daily_quota=0), 0), (Faults(user_denied=True), 77)],
)
def test_the_step_of_the_workflow_syncs(here: Place, faults: Faults, code: int) -> None:
    job = WORKFLOW["jobs"]["sync"]
    (step,) = [one for one in job["steps"] if one.get("name") == "Sync"]
    assert job["env"].keys() | step["env"].keys() >= {*here.environment} - {"PATH"}
    here.accounts["acme"].faults = faults
    (here.folder / "sync.sh").write_text((SCHEDULES / "sync.sh").read_text())
    script = here.folder / "step.sh"
    script.write_text(step["run"])
    # As GitHub runs it, where no shell is named.
    done = here.run("bash", "-e", script, ACCOUNT="acme")
    assert done.returncode == code, done.stderr
    assert ("::warning::acme" in done.stdout) is bool(faults.daily_quota == 0)
    if not code and faults.daily_quota:
        assert here.has_all("acme")


def test_the_workflow_keeps_the_state_whatever_happened() -> None:
    steps = WORKFLOW["jobs"]["sync"]["steps"]
    uses = [one.get("uses", "").partition("@")[0] for one in steps]
    assert uses.index("actions/cache/restore") < uses.index("actions/cache/save")
    save = steps[uses.index("actions/cache/save")]
    restore = steps[uses.index("actions/cache/restore")]
    assert save["if"] == "always()"
    assert save["with"]["key"] == restore["with"]["key"]
    assert save["with"]["path"] == restore["with"]["path"]
    assert restore["with"]["key"].startswith(restore["with"]["restore-keys"])


# Kubernetes, and the container


@pytest.mark.parametrize("version", ["1.31", "1.33"])
def test_the_manifest_is_one_by_the_schemas_of_kubernetes(version: str) -> None:
    command = [str(program("kubernetes-validate")), "--strict", "-k", version]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, str(SCHEDULES / "cronjob.yaml")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_job_is_sealed_and_tries_again_only_what_may_do_well() -> None:
    (job,) = [one["spec"] for one in MANIFESTS if one["kind"] == "CronJob"]
    assert job["concurrencyPolicy"] == "Forbid"
    spec = job["jobTemplate"]["spec"]
    (rule,) = [one for one in spec["podFailurePolicy"]["rules"] if "onExitCodes" in one]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [1, 2, 77])
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True
    user = IMAGE.given("USER")[-1].partition(":")[0]
    assert str(pod["securityContext"]["runAsUser"]) == user
    mounted = {one["mountPath"]: one.get("readOnly", False) for one in container["volumeMounts"]}
    assert mounted == {"/var/lib/insightly": False, "/etc/insightly": True, "/tmp": False}  # noqa: S108
    assert IMAGE.given("VOLUME") == ["/var/lib/insightly"]


def test_the_image_is_no_root_and_copies_what_is_let_in() -> None:
    IMAGE.check_what_is_let_in()
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", IMAGE.given("USER")[-1])
    assert IMAGE.command("ENTRYPOINT") == ["sync.sh"]
    assert IMAGE.given("HEALTHCHECK") == ["NONE"]
    assert os.access(SCHEDULES / "sync.sh", os.X_OK)
    words = " ".join(IMAGE.given("ENV"))
    assert not re.search("PASSWORD|SECRET|API_KEY", words)
    assert {"INSIGHTLY_CONFIG", "INSIGHTLY_SYNCS", "INSIGHTLY_TARGET"} <= set(
        re.findall(r"(\w+)=", words)
    )


@pytest.mark.slow
def test_what_the_image_installs_syncs(here: Place, tmp_path: Path) -> None:
    """Its commands, in an environment of their own, with what is let in, and a read-only root."""
    folder = IMAGE.install(tmp_path / "image")
    for name in ("tap-insightly", "insightly"):
        here.install(name, folder / name)
    done = here.sync("acme")
    assert done.returncode == 0, done.stderr
    assert here.has_all("acme")
