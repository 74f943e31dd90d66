"""What people call their devices, sealed: such a name is often their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.seal import Keyring

_PLACE: Final = b"devices.name_sealed:"


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """Seals and opens them, under the key of whose device it is."""

    keyring: Keyring

    async def seal(self, device_id: UUID, user_id: UUID, name: str) -> bytes:
        """What is stored.

        Raises:
            KeyShredded: the person was forgotten.
        """
        return await self.keyring.seal(None, name.encode(), _PLACE + device_id.bytes, subject=f"user:{user_id}")

    async def open(self, several: Sequence[tuple[UUID, bytes | None]]) -> list[str | None]:
        """The names of devices, with one look-up for all keys; none where none was given, or it was forgotten."""
        sealed = [(value, _PLACE + device_id.bytes) for device_id, value in several if value is not None]
        opened = iter(await self.keyring.open_many(None, sealed) if sealed else ())
        found = [None if value is None else next(opened) for _, value in several]
        return [None if value is None else value.decode() for value in found]
