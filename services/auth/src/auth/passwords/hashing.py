"""Argon2id in a bounded pool of threads: hashing never holds up the event loop, and never queues without end."""

import asyncio
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, ParamSpec, TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from auth.passwords.errors import TooManyPasswords
from kit.telemetry import metrics

P = ParamSpec("P")
T = TypeVar("T")

WAITING = metrics.gauge("auth_passwords_in_work", "Passwords being hashed or waiting for it")

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
QUEUE: Final = 256
NICENESS: Final = 2
"""How far the threads step back for the event loop, and for the gateway on the same machine, as `nice` counts: a hash
takes long whatever is done, and all else that somebody waits for takes little."""

CROWD_EVERY: Final = 0.15
"""Seconds between two words about a crowd, while there is one."""

BCRYPT: Final = ("$2a$", "$2b$", "$2y$")
BCRYPT_LONGEST: Final = 72
"""Bytes that bcrypt looks at; those who made such a hash of a longer password cut it off there."""


class Passwords:
    """Hashes and checks passwords: 19 MiB, two passes, one lane (OWASP), on as many threads as there are cores."""

    crowded: Callable[[], None]
    """Called now and then while passwords wait for a thread: what nobody waits for may step back meanwhile."""

    def __init__(
        self, threads: int | None = None, queue: int = QUEUE, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES
    ) -> None:
        self.crowded = lambda: None
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        self._at_once = threads or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._at_once, "passwords", _step_back)
        self._queue = queue
        self._in_work = 0
        self._said_at = 0.0

    def close(self) -> None:
        """Let the threads end with what they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hashed(self, password: str, judge: Callable[[str], None] | None = None) -> str:
        """The hash to store; a judge, on the same thread and right before, raises where it objects.

        In one piece of work, so that of many who come at once the first have their answer when the last begin.

        Raises:
            TooManyPasswords: the queue is full.
        """
        return await self.compute(self._judged, password, judge)

    async def match(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one of this hash; without a hash the answer is no, after the same work.

        Raises:
            TooManyPasswords: the queue is full.
        """
        found = await self.compute(self._verified, hashed or self._nobodys, password)
        return found and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made in another way, or with other parameters, than today's."""
        return is_bcrypt(hashed) or self._hasher.check_needs_rehash(hashed)

    async def compute(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that computes on these threads.

        Raises:
            TooManyPasswords: the queue is full.
        """
        if self._in_work >= self._queue:
            raise TooManyPasswords(retry_after=2.0)
        self._counted(1)
        running = self._threads.submit(work, *args, **kwargs)
        loop = asyncio.get_running_loop()
        running.add_done_callback(lambda _done: _when_possible(loop, self._done))
        return await asyncio.wrap_future(running)

    def _counted(self, more: int) -> None:
        self._in_work += more
        WAITING.set(self._in_work)
        if self._in_work > self._at_once and time.monotonic() - self._said_at >= CROWD_EVERY:
            self._said_at = time.monotonic()
            self.crowded()

    def _judged(self, password: str, judge: Callable[[str], None] | None) -> str:
        if judge is not None:
            judge(password)
        return self._hasher.hash(password)

    def _done(self) -> None:
        self._counted(-1)

    def _verified(self, hashed: str, password: str) -> bool:
        if is_bcrypt(hashed):
            return _verified_by_bcrypt(hashed, password)
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def _step_back() -> None:
    """Linux has a niceness for each thread; elsewhere, and where it is not allowed, threads stay as they are."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def is_bcrypt(hashed: str) -> bool:
    """Whether this is a hash of bcrypt."""
    return hashed.startswith(BCRYPT)


def _verified_by_bcrypt(hashed: str, password: str) -> bool:
    """As its makers verify it: by the first 72 bytes, up to a zero."""
    shown = password.encode("utf-8", "surrogatepass").partition(b"\0")[0][:BCRYPT_LONGEST]
    try:
        return bcrypt.checkpw(shown, hashed.encode("ascii"))
    except ValueError:  # not a hash after all
        return False


def _when_possible(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
