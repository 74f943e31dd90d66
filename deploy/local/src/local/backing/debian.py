"""Installing the servers from Debian's packages, as root, without letting the system start them."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.backing.probes import Unusable

_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_STARTS = "#!/bin/sh\n# Written while Rostrum installs packages; removed right after.\nexit 101\n"


def can_install() -> bool:
    """Whether we are root on a system with Debian's package tool."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def command_for(packages: Sequence[str]) -> str:
    """What a person would type."""
    return f"apt-get install -y --no-install-recommends {' '.join(packages)}"


def install(packages: Sequence[str], log: Path) -> None:
    """Install the packages; their services are neither started now nor at the next boot.

    Raises:
        Unusable: the package tool failed; its output is in the log.
    """
    apt = shutil.which("apt-get") or "apt-get"
    with no_service_starts(), log.open("ab") as output:
        _run([apt, "update", "-q"], output.fileno())  # a stale list may still do
        done = _run([apt, "install", "-y", "-q", "--no-install-recommends", *packages], output.fileno())
        systemctl = shutil.which("systemctl")
        if done == 0 and systemctl and Path("/run/systemd/system").exists():
            _run([systemctl, "disable", *packages], output.fileno())
    if done:
        raise Unusable(f"{command_for(packages)} failed; see {log}")


@contextmanager
def no_service_starts(policy: Path = _POLICY) -> Iterator[None]:
    """Tell Debian's maintainer scripts not to start anything; a policy that is there already is left alone."""
    if policy.exists():
        yield
        return
    policy.write_text(_NO_STARTS, encoding="utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def _run(command: Sequence[str], output: int) -> int:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    return subprocess.run(  # noqa: S603
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    ).returncode
