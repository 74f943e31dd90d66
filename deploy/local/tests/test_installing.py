"""The installer on machines that lack something; it runs in a made-up checkout and never reaches a network."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.state import CHECKOUT

LOCK = "left==1.0 \\\n    --hash=sha256:00\nright==2.0 \\\n    --hash=sha256:11\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a lock of two packages and one member."""
    folder = tmp_path / "checkout"
    (folder / "deploy" / "local").mkdir(parents=True)
    shutil.copy(CHECKOUT / "deploy" / "local" / "install.py", folder / "deploy" / "local")
    (folder / "requirements.lock").write_text(LOCK)
    (folder / "libs" / "one").mkdir(parents=True)
    (folder / "libs" / "one" / "pyproject.toml").write_text("[project]\n")
    return folder


def install(checkout: Path, *, before: str = "", path: str = "/nonexistent") -> subprocess.CompletedProcess[str]:
    """Run the installer; `before` makes the Python that runs it look like another."""
    script = checkout / "deploy" / "local" / "install.py"
    program = f"import sys, runpy; {before}\nrunpy.run_path({str(script)!r}, run_name='__main__')"
    command = [sys.executable, "-I", "-c", program]
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False, timeout=300)


def write_stamp(checkout: Path) -> None:
    """Make it look installed."""
    spec = importlib.util.spec_from_file_location("install", checkout / "deploy" / "local" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (checkout / ".venv" / "rostrum-install").write_text(f"{module.lock_mark()}\n{module.members_mark()}\n")


def test_nothing_happens_when_lock_and_members_are_unchanged(checkout: Path) -> None:
    write_stamp(checkout)
    done = install(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_new_member_is_linked_without_installing_the_lock_again(checkout: Path) -> None:
    """The made-up environment has no such member to link, so pip fails and its output is shown."""
    write_stamp(checkout)
    (checkout / "libs" / "two").mkdir()
    (checkout / "libs" / "two" / "pyproject.toml").write_text("[project]\n")
    done = install(checkout)
    assert done.returncode == 1
    assert "Linking the members" in done.stdout
    assert "Installing the locked dependencies" not in done.stdout
    assert "pip ended with status" in done.stdout


def test_an_old_python_is_told_what_to_install(checkout: Path) -> None:
    done = install(checkout, before="sys.version_info = (3, 9, 2)")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed; this is 3.9." in done.stderr
    assert "apt-get install python3" in done.stderr


def test_an_old_python_hands_over_to_a_newer_one_beside_it(checkout: Path) -> None:
    newer = checkout / "bin" / "python3.11"
    newer.parent.mkdir()
    newer.write_text('#!/bin/sh\necho "newer runs $1"\n')
    newer.chmod(0o755)
    done = install(checkout, before="sys.version_info = (3, 9, 2)", path=f"{newer.parent}:{os.defpath}")
    assert done.stdout.strip() == f"newer runs {checkout / 'deploy' / 'local' / 'install.py'}"


def test_without_venv_it_says_exactly_what_to_run(checkout: Path) -> None:
    done = install(checkout, before="sys.modules['ensurepip'] = None")
    assert done.returncode == 1
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert f"apt-get install -y --no-install-recommends {package}" in done.stderr


def test_root_installs_venv_by_debians_tool(checkout: Path) -> None:
    apt = checkout / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text('#!/bin/sh\necho "asked $*"\n[ "$1" = update ]\n')
    apt.chmod(0o755)
    as_root = "import os; os.geteuid = lambda: 0; sys.modules['ensurepip'] = None"
    done = install(checkout, before=as_root, path=f"{apt.parent}:{os.defpath}")
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert "asked update -qq" in done.stdout
    assert f"asked install -y -qq --no-install-recommends {package}" in done.stdout
    assert "could not be installed" in done.stderr


def test_no_registry_is_named_anywhere_in_what_installs() -> None:
    for name in ("deploy/local/install.py", "Makefile", "requirements.lock", "deploy/Dockerfile"):
        assert "://" not in (CHECKOUT / name).read_text(encoding="utf-8"), name
