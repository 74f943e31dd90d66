from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.devices.errors import DeviceNotFound
from auth.devices.model import Device, StoredDevice
from auth.devices.names import DeviceNames
from auth.devices.repository import DeviceRepository
from auth.sessions.revoking import end_sessions_on
from auth.sign_ins.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.pagination import PageRequest
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class DeviceService:
    """The devices on which the caller is known."""

    database: Database
    names: DeviceNames

    async def mine(self, caller: Caller, page: PageRequest) -> tuple[list[Device], str | None]:
        """A page of the caller's devices, the newest first, and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction() as tx:
            rows = await DeviceRepository(tx).page(
                caller.user_id, caller.session_id, after[0] if after else None, page.limit + 1
            )
        shown, cursor = page.cut(rows, lambda device: (device.id,))
        return await self._opened(shown), cursor

    async def rename(self, device_id: UUID, name: str, caller: Caller, expected: Condition) -> Device:
        """Call a device something else."""
        try:
            sealed = await self.names.seal(device_id, caller.user_id, name)
        except KeyShredded as forgotten:
            raise Unauthenticated from forgotten
        async with self.database.transaction() as tx:
            devices = DeviceRepository(tx)
            held = await devices.find(caller.user_id, caller.session_id, device_id)
            if held is None:
                raise DeviceNotFound
            expected.check(held.version)
            await devices.save_name(device_id, sealed)
            await tx.emit(audited("auth.device.renamed", caller, "device", device_id))
            renamed = await devices.find(caller.user_id, caller.session_id, device_id)
        (device,) = await self._opened([renamed or held])
        return device

    async def forget(self, device_id: UUID, caller: Caller) -> None:
        """Know a device no more, and end the sessions that were begun on it."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            if not await DeviceRepository(tx).delete(caller.user_id, device_id):
                raise DeviceNotFound
            await end_sessions_on(tx, caller.user_id, device_id)
            await tx.emit(audited("auth.device.forgotten", caller, "device", device_id))

    async def forget_remembered(self, caller: Caller) -> None:
        """Ask for the second factor on all devices again."""
        async with self.database.transaction() as tx:
            await DeviceRepository(tx).forget_remembered(caller.user_id)
            await tx.emit(audited("auth.device.not_remembered", caller, "user", caller.user_id))

    async def _opened(self, rows: Sequence[StoredDevice]) -> list[Device]:
        names = await self.names.open([(row.id, row.name_sealed) for row in rows])
        return [
            Device(row.id, name, row.remembered_until, row.version, row.seen_at, row.created_at, row.current)
            for row, name in zip(rows, names, strict=True)
        ]
