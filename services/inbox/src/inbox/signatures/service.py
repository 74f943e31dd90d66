from dataclasses import dataclass

from inbox.signatures.repository import SIGNATURE, SignatureRepository
from inbox.signatures.schemas import ChangeSignature
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class SignatureService:
    """The name under which a member answers; auth knows what they are called, and tells nobody."""

    database: Database
    keyring: Keyring

    async def read(self, caller: MemberCaller) -> str | None:
        """The caller's own."""
        async with self.database.snapshot(caller.organization_id) as tx:
            row = await SignatureRepository(tx).find(caller.user_id)
        if row is None:
            return None
        (name,) = await self.keyring.open_many(caller.organization_id, [(row["name_sealed"], SIGNATURE)])
        return None if name is None else name.decode()

    async def change(self, caller: MemberCaller, wanted: ChangeSignature) -> str:
        """Answer under this name from now on; sealed under the member's key."""
        owner = Person("user", caller.user_id).key_owner
        sealed = await self.keyring.seal(caller.organization_id, wanted.name.encode(), SIGNATURE, subject=owner)
        async with self.database.transaction(caller.organization_id) as tx:
            await SignatureRepository(tx).save(caller.user_id, sealed)
        return wanted.name
