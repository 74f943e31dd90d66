"""Has files opened in the workshop, a few at a time, and ends what takes too long."""

import asyncio
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import imageio_ffmpeg

from kit.errors import TransientError
from publisher.media.workshop.verdict import Facts, Unfit

MEMORY: Final = 3 * 1024**3
SPACE: Final = 4 * 1024**3
EXAMINING: Final = 300.0
RENDERING: Final = 900.0
"""Seconds by the clock; of the processors it may use twice as many."""

WAITING: Final = 60.0
"""Seconds for which somebody waits for a place."""

_PREFIX: Final = "workshop-"
_LEFT_BEHIND: Final = 3 * 3600.0
"""Seconds after which nobody works in a folder any more: the longest work takes half an hour."""

_LONGEST_ANSWER: Final = 65_536
_TOO_MUCH: Final = "It takes too much memory or time to open. Make it smaller or simpler."


class BenchFull(TransientError):
    """All places are taken just now."""

    code = "media-bench-full"


class Unexplained(Unfit):
    """The workshop ended without a word: by its bounds, or by some accident that the next attempt does not meet."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Places for files that are open at the same time; others wait."""

    folder: Path | None = None
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    examining: float = EXAMINING
    rendering: float = RENDERING

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Path]:
        """A folder for one file, which goes with all that is in it.

        Raises:
            BenchFull: others take too long.
        """
        try:
            async with asyncio.timeout(WAITING):
                await self.places.acquire()
        except TimeoutError as error:
            raise BenchFull from error
        try:
            made = await asyncio.to_thread(_folder, self.folder)
            try:
                yield Path(made.name)
            finally:
                await asyncio.to_thread(made.cleanup)
        finally:
            self.places.release()

    async def examine(self, source: Path, target: Path, declared: str, name: str) -> Facts:
        """What a file is; at `target` stands what may be published of it.

        Raises:
            Unfit: it is not taken.
        """
        job = {"task": "examine", "declared": declared, "name": name}
        return await _carried_out(job, source, target, self.examining)

    async def render(self, source: Path, target: Path, made_of: Facts, fit: Mapping[str, Any]) -> Facts:
        """The file as a platform takes it.

        Raises:
            Unfit: it cannot become that.
        """
        job = {"task": "render", "kind": made_of.kind, "mime": made_of.mime, "fit": dict(fit)}
        return await _carried_out(job, source, target, self.rendering)


def _folder(within: Path | None) -> "tempfile.TemporaryDirectory[str]":
    """A folder of its own; those that killed workers have left behind go."""
    for left in Path(within or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(dir=within, prefix=_PREFIX, ignore_cleanup_errors=True)


async def _carried_out(job: dict[str, Any], source: Path, target: Path, within: float) -> Facts:
    job |= {"source": str(source), "target": str(target), "ffmpeg": imageio_ffmpeg.get_ffmpeg_exe()}
    job |= {"memory": MEMORY, "seconds": math.ceil(within * 2), "space": SPACE}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "publisher.media.workshop", json.dumps(job)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=target.parent,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": str(target.parent)},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(within):
            said = await child.stdout.read(_LONGEST_ANSWER) if child.stdout else b""
            await child.wait()
    except TimeoutError as error:
        raise Unexplained("too-complex", _TOO_MUCH) from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    return _answer(said)


def _answer(said: bytes) -> Facts:
    """What the workshop said; one that ended without a word was ended by its bounds.

    Raises:
        Unfit: the file is not taken.
        Unexplained: nobody knows why not.
    """
    try:
        told = json.loads(said)
    except ValueError as error:
        raise Unexplained("too-complex", _TOO_MUCH) from error
    if "code" in told:
        raise Unfit(told["code"], told["reason"])
    return Facts(**told)
