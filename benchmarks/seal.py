"""What sealing a field costs beside bare AES-256-GCM with a fresh nonce, once the key is in memory.

`Keyring` looks its key up, binds organization and place, and puts the id of the key before; the bare form encrypts
with one key and the same associated data. Both in turns, in one process.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import harness
from benchmarks.harness import Result, Size
from kit.db.database import Database
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.testing import letters
from kit.testing.databases import Databases

TURNS: Final = {"short": 5_000, "full": 50_000}
ROUNDS: Final = {"short": 5, "full": 9}
PLACE: Final = b"bench.fields.text.0190"
ADDED_WITHIN_US: Final = 50.0


async def measure(size: Size) -> Sequence[Result]:
    """Microseconds a field, sealed and opened."""
    databases = Databases()
    try:
        place = await databases.clone({"letters": letters})
        database = await Database.open(place.url("letters"), name="bench")
        try:
            keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
            found = [await fields(keyring, length, TURNS[size], ROUNDS[size]) for length in (64, 1024)]
        finally:
            await database.close()
    finally:
        await databases.close()
    return [row for rows in found for row in rows]


async def fields(keyring: Keyring, length: int, turns: int, rounds: int) -> list[Result]:
    """A field of that length, in turns with the bare form."""
    organization_id, value, bare = new_id(), os.urandom(length), AESGCM(os.urandom(32))
    context = organization_id.bytes + PLACE
    sealed = await keyring.seal(organization_id, value, PLACE)
    nonce = os.urandom(12)
    encrypted = nonce + bare.encrypt(nonce, value, context)

    async def bare_seal() -> object:
        fresh = os.urandom(12)
        return fresh + bare.encrypt(fresh, value, context)

    async def bare_open() -> object:
        return bare.decrypt(encrypted[:12], encrypted[12:], context)

    times: dict[str, list[float]] = {"seal": [], "bare seal": [], "open": [], "bare open": []}
    forms: dict[str, Callable[[], Awaitable[object]]] = {
        "seal": lambda: keyring.seal(organization_id, value, PLACE),
        "bare seal": bare_seal,
        "open": lambda: keyring.open(organization_id, sealed, PLACE),
        "bare open": bare_open,
    }
    for _ in range(rounds):
        for name, form in forms.items():
            times[name].append(await took(form, turns))
    name = "64 B" if length == 64 else f"{length // 1024} KiB"
    added = [
        ours + opened - theirs - also
        for ours, opened, theirs, also in zip(
            *(times[each] for each in ("seal", "open", "bare seal", "bare open")), strict=True
        )
    ]
    return [
        Result(f"seal {name}, beside bare AES-GCM", "µs", times["seal"], times["bare seal"], less_is_better=True),
        Result(f"open {name}, beside bare AES-GCM", "µs", times["open"], times["bare open"], less_is_better=True),
        Result(f"added to both, {name}", "µs", added, [ADDED_WITHIN_US], 1.0, less_is_better=True),
    ]


async def took(form: Callable[[], Awaitable[object]], turns: int) -> float:
    """Microseconds a call."""
    started = time.perf_counter()
    for _ in range(turns):
        await form()
    await asyncio.sleep(0)
    return 1_000_000 * (time.perf_counter() - started) / turns


if __name__ == "__main__":
    harness.run("seal", measure)
