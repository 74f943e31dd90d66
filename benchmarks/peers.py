"""Peers we are measured beside, fetched into `build/peers` without touching the machine; or a word on why not."""

import shutil
import subprocess
from pathlib import Path

FOLDER = Path("build/peers")
BULLMQ = ("bullmq@6.7.0", "ioredis@5.11.1")


class Missing(Exception):
    """A peer cannot be had here; the message says which, and how to install it."""


def nginx() -> Path:
    """The nginx program.

    Raises:
        Missing: it is neither installed nor to be had from Debian's packages.
    """
    return _debian("nginx", "usr/sbin/nginx")


def wrk() -> Path:
    """The load generator wrk.

    Raises:
        Missing: it is neither installed nor to be had from Debian's packages.
    """
    return _debian("wrk", "usr/bin/wrk", "libluajit-5.1-2")


def bullmq() -> Path:
    """A folder in which Node finds the package bullmq and the client it wants.

    Raises:
        Missing: there is no Node, or the package cannot be had.
    """
    folder = FOLDER / "bullmq"
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("bullmq: Node.js and npm are not installed")
    if not all((folder / "node_modules" / name.partition("@")[0]).exists() for name in BULLMQ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n', encoding="utf-8")
        _run(["npm", "install", "--no-audit", "--no-fund", "--no-save", *BULLMQ], folder, "bullmq: npm install")
    return folder.resolve()


def _debian(package: str, program: str, *libraries: str) -> Path:
    installed = shutil.which(package)
    if installed:
        return Path(installed)
    unpacked = (FOLDER / package).resolve()
    starter = unpacked / "start"
    if not starter.exists():
        if not shutil.which("apt-get"):
            raise Missing(f"{package}: not installed")
        unpacked.mkdir(parents=True, exist_ok=True)
        _run(
            ["apt-get", "download", package, *libraries], unpacked, f"{package}: not installed, and apt-get download"
        )
        for archive in unpacked.glob("*.deb"):
            _run(["dpkg-deb", "--extract", archive.name, "."], unpacked, f"{package}: dpkg-deb")
        paths = ":".join(sorted({str(library.parent) for library in unpacked.rglob("*.so.*")}))
        starter.write_text(
            f'#!/bin/sh\nLD_LIBRARY_PATH="{paths}" exec "{unpacked / program}" "$@"\n', encoding="utf-8"
        )
        starter.chmod(0o755)
    return starter


def _run(command: list[str], folder: Path, what: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it failed"]
        raise Missing(f"{what}: {reason[0][:120]}")
