from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.members.acting import insist
from auth.oauth_clients.errors import ClientIsPublic, ClientNotFound, TooManyClients
from auth.oauth_clients.model import MOST_CLIENTS, Client, MadeClient, Registration
from auth.oauth_clients.repository import ClientRepository
from auth.oauth_clients.secrets import ClientSecrets
from auth.sessions.revoking import void_credential
from auth.sign_ins.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id

MAY = "oauth_clients.manage"


@dataclass(frozen=True, slots=True)
class ClientService:
    """Registering the programs of an organization; all of it by people, who prove anew who they are."""

    database: Database
    secrets: ClientSecrets

    async def register(
        self,
        organization_id: UUID,
        registration: Registration,
        caller: Caller,
        key: Idempotency,
        *,
        public: bool,
    ) -> MadeClient:
        """A new program; its secret is in this answer and nowhere else."""
        client_id = new_id()
        text, hashed = (None, None) if public else self.secrets.draw()
        async with self.database.transaction(organization_id) as tx:
            registration.check((await insist(tx, caller, MAY)).manages, public=public)
            await insist_on_fresh_proof(tx, caller)
            earlier = await key.claim(tx)
            if earlier is not None:
                return MadeClient(await _found(tx, earlier.resource_id), None)
            clients = ClientRepository(tx)
            await clients.lock_organization()
            if await clients.count() >= MOST_CLIENTS:
                raise TooManyClients
            await clients.add(client_id, registration, hashed, caller.user_id)
            await key.remember(tx, client_id, 1)
            await tx.emit(audited("auth.oauth_client.registered", caller, "oauth_client", client_id, public=public))
            return MadeClient(await _found(tx, client_id), text)

    async def page(self, organization_id: UUID, caller: Caller, page: PageRequest) -> tuple[list[Client], str | None]:
        """A page of programs and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, MAY)
            rows = await ClientRepository(tx).page(after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda client: (client.id,))

    async def read(self, organization_id: UUID, client_id: UUID, caller: Caller) -> Client:
        """One program."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, MAY)
            return await _found(tx, client_id)

    async def change(
        self, organization_id: UUID, client_id: UUID, registration: Registration, caller: Caller, expected: Condition
    ) -> Client:
        """Register something else; what it was granted beyond its scopes is worth nothing from the next token on."""
        async with self.database.transaction(organization_id) as tx:
            managed = (await insist(tx, caller, MAY)).manages
            await insist_on_fresh_proof(tx, caller)
            held = await _locked(tx, client_id)
            registration.check(managed, public=held.public)
            expected.check(held.version)
            await ClientRepository(tx).save(client_id, registration)
            await tx.emit(audited("auth.oauth_client.changed", caller, "oauth_client", client_id))
            return await _found(tx, client_id)

    async def rotate(self, organization_id: UUID, client_id: UUID, overlap: timedelta, caller: Caller) -> MadeClient:
        """Another secret; the one before is good until the overlap is over, and any older one no more."""
        text, hashed = self.secrets.draw()
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, MAY)
            await insist_on_fresh_proof(tx, caller)
            held = await _locked(tx, client_id)
            if held.public:
                raise ClientIsPublic
            await ClientRepository(tx).save_secret(client_id, hashed, overlap)
            seconds = int(overlap.total_seconds())
            await tx.emit(
                audited("auth.oauth_client.secret_rotated", caller, "oauth_client", client_id, overlap=seconds)
            )
            return MadeClient(await _found(tx, client_id), text)

    async def end(self, organization_id: UUID, client_id: UUID, caller: Caller) -> None:
        """End a program; within seconds no token of it is taken, whoever it acts for."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, MAY)
            held = await _locked(tx, client_id)
            await ClientRepository(tx).end(client_id)
            await tx.emit(audited("auth.oauth_client.ended", caller, "oauth_client", client_id))
            await void_credential(tx, client_id, session_id=client_id, version=held.version + 1)


async def _found(tx: Transaction, client_id: UUID) -> Client:
    found = await ClientRepository(tx).find(client_id)
    if found is None:
        raise ClientNotFound
    return found


async def _locked(tx: Transaction, client_id: UUID) -> Client:
    held = await ClientRepository(tx).lock(client_id)
    if held is None:
        raise ClientNotFound
    return held
