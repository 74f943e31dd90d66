"""Make the virtual environment: the locked dependencies by hash, then the members of this repository.

Needs nothing but Python 3.11 and pip; where packages come from is pip's own configuration. A second run that
finds nothing changed returns at once. Started by an older Python it looks for a newer one beside it.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "rostrum-install"
OLDEST = (3, 11)
NEWER = ("python3.11", "python3.12", "python3.13", "python3.14")


def main() -> int:
    """Install what is missing; the exit status for the shell."""
    lock, members = lock_mark(), members_mark()
    if installed() == [lock, members]:
        return 0
    use_new_enough_python()
    (ROOT / ".rostrum").mkdir(exist_ok=True)
    with (ROOT / ".rostrum" / "install.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return install(lock, members)


def install(lock: str, members: str) -> int:
    """Bring the environment to these marks, step by step."""
    begun, done = time.monotonic(), installed()
    if done[:1] != [lock]:
        make_environment()
        say("Installing the locked dependencies")
        arguments = ["--require-hashes", "--no-deps", "--requirement", str(LOCK)]
        if not pip(arguments, expected=len(re.findall(r"(?m)^\S+==", LOCK.read_text(encoding="utf-8")))):
            return 1
        STAMP.write_text(lock + "\n", encoding="utf-8")
    if done != [lock, members]:
        say("Linking the members of this repository")
        links = [part for folder in member_folders() for part in ("--editable", str(folder))]
        if not pip(["--no-deps", "--no-build-isolation", *links], expected=len(links) // 2):
            return 1
        STAMP.write_text(lock + "\n" + members + "\n", encoding="utf-8")
        say(f"Installed in {time.monotonic() - begun:.0f} s")
    return 0


def member_folders() -> list[Path]:
    """Every folder with a package of ours; what others need comes first."""
    patterns = ("libs/*", "services/*", "gateway", "sandbox", "deploy/local")
    found = (folder for pattern in patterns for folder in sorted(ROOT.glob(pattern)))
    return [folder for folder in found if (folder / "pyproject.toml").exists()]


def lock_mark() -> str:
    """Changes when the lock or its home does: a virtual environment cannot be moved."""
    return hashlib.sha256(LOCK.read_bytes() + bytes(VENV)).hexdigest()


def members_mark() -> str:
    """Changes when a member comes, goes or is described anew."""
    mark = hashlib.sha256()
    for folder in member_folders():
        mark.update(bytes(folder.relative_to(ROOT)) + (folder / "pyproject.toml").read_bytes())
    return mark.hexdigest()


def installed() -> list[str]:
    """The marks of the finished steps."""
    try:
        return STAMP.read_text(encoding="utf-8").split() if PYTHON.exists() else []
    except OSError:
        return []


def use_new_enough_python() -> None:
    """Go on under a Python that is new enough, or end with what to install."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        path = shutil.which(name)
        if path:
            os.execv(path, [path, __file__])  # noqa: S606
    stop(
        "Python {}.{} or newer is needed; this is {}.{}.".format(*OLDEST, *sys.version_info[:2]),
        "On Debian 12, Ubuntu 24.04 or newer: apt-get install python3 python3-venv",
    )


def make_environment() -> None:
    """Make an empty environment, unless a usable one is there."""
    if PYTHON.exists() and call([str(PYTHON), "-m", "pip", "--version"], stdout=subprocess.DEVNULL):
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        install_venv_package()
    say("Making the virtual environment with Python {}.{}".format(*sys.version_info[:2]))
    if not call([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        stop("The virtual environment could not be made; the lines above say why.")


def install_venv_package() -> None:
    """Debian packs `venv` apart from Python: take it as root, else say how."""
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    apt = shutil.which("apt-get")
    command = "apt-get update && apt-get install -y --no-install-recommends " + package
    if apt is None or os.geteuid() != 0:
        stop("Python's venv module is missing.", "Run: " + ("sudo " if apt else "") + command)
    say("Installing Debian's " + package)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    call([apt, "update", "-qq"], env=quiet)
    if not call([apt, "install", "-y", "-qq", "--no-install-recommends", package], env=quiet):
        stop("Python's venv module could not be installed.", "Run: " + command)
    importlib.invalidate_caches()


def call(command: list[str], **options: Any) -> bool:
    """Run a program; whether it ended well."""
    return subprocess.run(command, check=False, **options).returncode == 0  # noqa: S603


def pip(arguments: list[str], expected: int) -> bool:
    """Run pip, showing one line of progress; its whole output is shown when it fails."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    lines, seen = [], 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:  # noqa: S603
        for line in run.stdout or ():
            lines.append(line)
            subject = re.match(r"(?:Collecting|Obtaining) (\S+)", line)
            if subject:
                seen += 1
                progress(seen, expected, subject.group(1).partition("==")[0].rpartition("/")[2])
            elif line.startswith("Installing collected"):
                progress(expected, expected, "unpacking")
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if run.returncode:
        print("".join(lines[-60:]), file=sys.stderr)
        say(f"pip ended with status {run.returncode}")
    return run.returncode == 0


def progress(seen: int, expected: int, subject: str) -> None:
    """One line that is written over on a terminal, and a line now and then elsewhere."""
    if sys.stdout.isatty():
        filled = 24 * min(seen, expected) // max(expected, 1)
        print(
            "\r\033[K  {}{} {}/{} {}".format("█" * filled, "░" * (24 - filled), seen, expected, subject),
            end="",
            flush=True,
        )
    elif seen % 25 == 0 or seen == expected:
        print(f"  {seen}/{expected} {subject}", flush=True)


def say(text: str) -> None:
    """Tell what happens now."""
    print(text, flush=True)


def stop(*lines: str) -> None:
    """End with these lines."""
    raise SystemExit("\n".join(lines))


if __name__ == "__main__":
    raise SystemExit(main())
