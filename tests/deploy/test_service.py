"""The systemd unit of deploy/, by systemd's own judgement where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "insightly.service").read_text(encoding="utf-8")
PROGRAM = "/opt/insightly/bin/insightly"
ANALYZE = shutil.which("systemd-analyze")
# From 0 (sealed) to 10; what systemd calls OK ends at 4.4. The network is open: it is a server.
MOST_EXPOSED = 1.5


def settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_it(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("insightly")
    assert PROGRAM in UNIT
    unit = tmp_path / "insightly.service"
    unit.write_text(UNIT.replace(PROGRAM, str(command)))
    done = subprocess.run(  # noqa: S603 - systemd's own
        [str(ANALYZE), "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_it_well_sealed() -> None:
    done = subprocess.run(  # noqa: S603 - as above
        [str(ANALYZE), "security", "--offline=yes", str(DEPLOY / "insightly.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    level = re.search(r"exposure level for insightly\.service: ([\d.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level[1]) <= MOST_EXPOSED


def test_it_is_no_root_and_writes_to_one_folder() -> None:
    assert settings("User") == settings("Group") == ["insightly"]
    assert settings("NoNewPrivileges") == ["yes"]
    assert settings("ProtectSystem") == ["strict"]
    assert settings("StateDirectory") == ["insightly"]
    assert settings("StateDirectoryMode") == ["0700"]
    assert settings("UMask") == ["0077"]
    assert settings("CapabilityBoundingSet") == [""]
    assert settings("ExecStart") == [f"{PROGRAM} serve"]
    assert not settings("ReadWritePaths")


def test_the_user_is_made_by_the_file_beside_it() -> None:
    text = (DEPLOY / "insightly.sysusers.conf").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if not line.startswith("#")]
    assert line.split()[:3] == ["u", "insightly", "-"]
