"""The public keys that sign access tokens: fetched from auth, kept a while, asked for again when one is unknown."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kit.http.tokens import public_keys

log = structlog.get_logger(__name__)


class KeyRing:
    """The keys of the moment.

    They are fetched anew every `refresh_every` seconds. An unknown key id asks once more, but at most once in
    `ask_every` seconds whoever asks, and all who ask meanwhile share one answer; so tokens with made-up ids cost auth
    nothing. When auth does not answer, the keys stay in use for `keep` seconds after the last answer.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        *,
        refresh_every: float = 300.0,
        ask_every: float = 5.0,
        keep: float = 3600.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._refresh_every = refresh_every
        self._ask_every = ask_every
        self._keep = keep
        self._now = now
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._heeding: list[Callable[[], None]] = []
        self._dropped: set[str] = set()
        self._hurry = asyncio.Event()

    def heed(self, changed: Callable[[], None]) -> None:
        """Call this whenever the keys have changed."""
        self._heeding.append(changed)

    @property
    def usable(self) -> bool:
        """Whether there are keys that are not too old."""
        return bool(self._keys) and self._now() - self._fetched_at < self._keep

    def known(self, kid: str) -> Ed25519PublicKey | None:
        """The key with this id, as far as is known here."""
        return self._keys.get(kid) if self.usable else None

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key with this id, asking auth once if it is not known here."""
        found = self.known(kid)
        if found is None and (self._asking is not None or self._now() - self._asked_at >= self._ask_every):
            await self.refresh()
            found = self.known(kid)
        return found

    async def refresh(self) -> bool:
        """Fetch the keys now, together with everyone else who wants that; says whether it succeeded."""
        if self._asking is None:
            self._asked_at = self._now()
            self._asking = asyncio.create_task(self._ask(), name="jwks")
            self._asking.add_done_callback(self._asked)
        asked = self._asked_at
        await asyncio.shield(self._asking)
        return self._fetched_at >= asked

    async def drop(self, kid: str) -> None:
        """Do without a key that was taken away, whatever key set holds it, and look for the one in its place."""
        if kid in self._dropped:
            return
        self._dropped.add(kid)
        if self._keys.pop(kid, None) is not None:
            log.warning("keys.dropped", kid=kid)
            self._tell()
        await self.refresh()
        self._asked_at = float("-inf")  # the process that was asked may not have heard of the new one yet
        self._hurry.set()

    def is_dropped(self, kid: str) -> bool:
        """Whether this key was taken away."""
        return kid in self._dropped

    def _tell(self) -> None:
        for tell in self._heeding:
            tell()

    def _asked(self, _: asyncio.Task[None]) -> None:
        self._asking = None

    async def _ask(self) -> None:
        try:
            found = public_keys(await self._fetch())
        except Exception as trouble:  # noqa: BLE001 - whatever went wrong, the keys we have stay in use
            log.warning("keys.not_fetched", error=type(trouble).__name__)
            return
        keys = {kid: key for kid, key in found.items() if kid not in self._dropped}
        changed = keys != self._keys
        self._keys = keys
        self._fetched_at = self._now()
        if changed:
            log.info("keys.changed", count=len(keys))
            self._tell()

    async def run(self) -> None:
        """Keep the keys fresh for ever; while there are none, ask every second."""
        while True:
            await self.refresh()
            fresh = bool(self._keys) and self._now() - self._fetched_at < self._refresh_every
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._refresh_every if fresh else max(1.0, min(self._ask_every, 10.0))):
                    await self._hurry.wait()
            self._hurry.clear()
