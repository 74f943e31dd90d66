from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.api_keys.errors import ApiKeyNotFound, TooManyApiKeys
from auth.api_keys.model import DEFAULT_LIFE, KEPT_FOR, MOST_KEYS, ApiKey, Grant, KeyState, MadeKey, check_maker
from auth.api_keys.repository import ApiKeyRepository
from auth.api_keys.secrets import Secrets
from auth.members.acting import insist
from auth.sessions.revoking import void_credential
from auth.sign_ins.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class ApiKeyService:
    """Making, replacing and ending the keys of an organization; all of it by people, who prove anew who they are."""

    database: Database
    secrets: Secrets

    async def make(  # noqa: PLR0917 - what a key is made of
        self,
        organization_id: UUID,
        name: str,
        grant: Grant,
        days: int | None,
        caller: Caller,
        idempotency: Idempotency,
    ) -> MadeKey:
        """A new key; its text is in this answer and nowhere else."""
        async with self.database.transaction(organization_id) as tx:
            check_maker((await insist(tx, caller, "api_keys.manage")).manages, grant.role)
            await insist_on_fresh_proof(tx, caller)
            earlier = await idempotency.claim(tx)
            if earlier is not None:
                return MadeKey(await _found(tx, earlier.resource_id), None)
            keys = ApiKeyRepository(tx)
            await keys.lock_organization()
            await keys.purge(KEPT_FOR)
            if await keys.count_active() >= MOST_KEYS:
                raise TooManyApiKeys
            made = await self._draw(tx, name, grant, caller, _life(days))
            await idempotency.remember(tx, made.key.id, 1)
            await tx.emit(
                audited(
                    "auth.api_key.created",
                    caller,
                    "api_key",
                    made.key.id,
                    role=grant.role.value,
                    scopes=len(grant.scopes),
                    networks=len(grant.allowed_addresses),
                )
            )
        return made

    async def page(self, organization_id: UUID, caller: Caller, page: PageRequest) -> tuple[list[ApiKey], str | None]:
        """A page of keys and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "api_keys.manage")
            rows = await ApiKeyRepository(tx).page(after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda key: (key.id,))

    async def read(self, organization_id: UUID, key_id: UUID, caller: Caller) -> ApiKey:
        """One key."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "api_keys.manage")
            return await _found(tx, key_id)

    async def rotate(  # noqa: PLR0917 - what a rotation is made of
        self,
        organization_id: UUID,
        key_id: UUID,
        overlap: timedelta,
        days: int | None,
        caller: Caller,
        idempotency: Idempotency,
    ) -> MadeKey:
        """Another key with the same rights; the old one is good until the overlap is over.

        Of two rotations at once one makes the successor, the other is told so.
        """
        async with self.database.transaction(organization_id) as tx:
            managed = (await insist(tx, caller, "api_keys.manage")).manages
            await insist_on_fresh_proof(tx, caller)
            earlier = await idempotency.claim(tx)
            if earlier is not None:
                return MadeKey(await _found(tx, earlier.resource_id), None)
            keys = ApiKeyRepository(tx)
            held = await _locked(tx, key_id)
            check_maker(managed, held.grant.role)
            held.check_rotation()
            made = await self._draw(tx, held.name, held.grant, caller, _life(days))
            ended = await keys.replace(key_id, made.key.id, overlap)
            await idempotency.remember(tx, made.key.id, 1)
            seconds = int(overlap.total_seconds())
            await tx.emit(
                audited("auth.api_key.rotated", caller, "api_key", key_id, by=str(made.key.id), overlap=seconds)
            )
            if ended:
                await void_credential(tx, key_id, session_id=key_id, version=held.version + 1)
        return made

    async def end(self, organization_id: UUID, key_id: UUID, caller: Caller) -> None:
        """End a key: within seconds no gateway lets it in; one that has ended stays as it is."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "api_keys.manage")
            held = await _locked(tx, key_id)
            version = await ApiKeyRepository(tx).end(key_id)
            if version is None:
                return
            await tx.emit(audited("auth.api_key.ended", caller, "api_key", key_id))
            if held.state is KeyState.ACTIVE:
                await void_credential(tx, key_id, session_id=key_id, version=version)

    async def _draw(self, tx: Transaction, name: str, grant: Grant, caller: Caller, life: timedelta) -> MadeKey:
        key_id = new_id()
        secret = self.secrets.draw(tx.organization_id, key_id)
        await ApiKeyRepository(tx).add(key_id, name, grant, secret, caller.user_id, life)
        return MadeKey(await _found(tx, key_id), secret.text)


def _life(days: int | None) -> timedelta:
    return DEFAULT_LIFE if days is None else timedelta(days=days)


async def _found(tx: Transaction, key_id: UUID) -> ApiKey:
    found = await ApiKeyRepository(tx).find(key_id)
    if found is None:
        raise ApiKeyNotFound
    return found


async def _locked(tx: Transaction, key_id: UUID) -> ApiKey:
    held = await ApiKeyRepository(tx).lock(key_id)
    if held is None:
        raise ApiKeyNotFound
    return held
