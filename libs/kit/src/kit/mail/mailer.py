"""Putting mails in, and keeping the list of those who are not to be mailed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson

from kit.db.database import Database, Row, Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.rows import TOPIC
from kit.mail.kind import ONCE, REPEATED, kind_of
from kit.mail.links import MailSecret, Unsubscription
from kit.mail.model import PLACE, Mail, Outgoing, Post, Reason
from kit.mail.repository import MailRepository, Queueing, SuppressionRepository
from kit.process import Loop
from kit.seal import Keyring

KEEP_FOR: Final = timedelta(days=30)
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Mailer:
    """A service's mails: written in the transaction of what they tell about, sent by the ledger."""

    database: Database
    keyring: Keyring
    ledger: Ledger
    post: Post

    async def queue(self, tx: Transaction, mail: Mail) -> bool:
        """Let a mail leave with the commit; False when one with its dedupe key has been queued before.

        A mail that carries its address is sealed here: when the key is not in memory it is fetched on a connection
        beside the transaction's.
        """
        tx.stir(TOPIC)
        return await MailRepository(tx).queue(await self.queueing(mail))

    def wake(self) -> None:
        """Let what was queued leave now; to be called after the commit."""
        self.database.hint(TOPIC)

    async def queueing(self, mail: Mail) -> Queueing:
        """The same as a part of the caller's statement, after whose commit `wake` is called."""
        stored, category = await self._stored(mail), self.post.category(mail.category)
        return Queueing(
            (
                stored.id,
                stored.organization_id,
                stored.category,
                stored.template,
                stored.locale,
                stored.about,
                stored.detail,
                stored.address,
                stored.address_hash,
                stored.parameters,
                stored.message_id,
                mail.dedupe_key,
                kind_of(category),
                self.post.lane_key(category, for_many=mail.for_many),
                new_id(),
                mail.expires_at,
            )
        )

    async def count_about(self, tx: Transaction, about: UUID, within: timedelta, category: str | None = None) -> int:
        """How many mails about this were written lately, of one category or of all."""
        return await MailRepository(tx).count_about(about, within, category)

    async def suppress(
        self, tx: Transaction, address: str, reason: Reason, *, category: str = "", life: timedelta | None = None
    ) -> None:
        """Mail this address no more: not at all, or when it was unsubscribed, not in this category."""
        await SuppressionRepository(tx).add((await self._secret()).hashed(address), reason, category, life)

    async def unsubscribe(self, tx: Transaction, said: Unsubscription) -> bool:
        """Do what a link says; False when it was done before."""
        return await SuppressionRepository(tx).add(said.address_hash, Reason.UNSUBSCRIBED, said.category, None)

    async def resubscribe(self, tx: Transaction, addresses: Collection[str], category: str) -> None:
        """Mail these addresses in this category again."""
        hashes = await self._hashed(addresses)
        await SuppressionRepository(tx).lift(hashes, Reason.UNSUBSCRIBED, category)

    async def unsubscribed(self, tx: Transaction, addresses: Collection[str]) -> frozenset[str]:
        """The categories that one of these addresses does not want."""
        found = await SuppressionRepository(tx).reasons(await self._hashed(addresses))
        return frozenset(
            category for reasons in found.values() for reason, category in reasons if reason is Reason.UNSUBSCRIBED
        )

    async def is_unsubscribed(self, tx: Transaction, said: Unsubscription) -> bool:
        """Whether what a link says was done."""
        found = await SuppressionRepository(tx).reasons([said.address_hash])
        return (Reason.UNSUBSCRIBED, said.category) in found.get(said.address_hash, ())

    async def read_link(self, token: str) -> Unsubscription:
        """What an unsubscribe link says.

        Raises:
            UnsubscribeLinkForged: it is not ours.
        """
        return (await self._secret()).read(token)

    async def mails_to(
        self,
        tx: Transaction,
        addresses: Collection[str],
        about: Collection[UUID],
        after: UUID | None = None,
        at_most: int = _AT_ONCE,
    ) -> list[dict[str, Any]]:
        """What is kept of mails to these addresses of somebody, or about what is theirs: a page by id.

        `address` is there where the mail went to one of these addresses; what stood in it is kept of none.
        """
        known = dict(zip(await self._hashed(addresses), addresses, strict=True))
        rows = await MailRepository(tx).page_to(known, about, after, at_most)
        return [{**_without_hash(row), "address": known.get(row["address_hash"])} for row in rows]

    async def wishes_of(self, tx: Transaction, addresses: Collection[str]) -> list[dict[str, Any]]:
        """Why these addresses of somebody are not mailed."""
        known = dict(zip(await self._hashed(addresses), addresses, strict=True))
        rows = await SuppressionRepository(tx).all(known)
        return [{**_without_hash(row), "address": known[row["address_hash"]]} for row in rows]

    async def let_go(
        self, tx: Transaction, addresses: Collection[str], about: Collection[UUID], at_most: int = _AT_ONCE
    ) -> dict[str, int]:
        """Forget mails to these addresses of somebody, or about what is theirs; what waits never leaves.

        Suppressions stay: they keep mails away from somebody, and are found by a keyed hash alone. Rows by table;
        when it is `at_most` mails there may be more.

        Raises:
            UnderWay: one is being handed in just now; nothing was changed.
        """
        found = await MailRepository(tx).page_to(await self._hashed(addresses), about, None, at_most)
        if not found:
            return {}
        ids = [row["id"] for row in found]
        forgotten = await self.ledger.forget(tx, (REPEATED, ONCE), ids)
        return {**forgotten, "outgoing_mails": await MailRepository(tx).delete(ids)}

    def loops(self) -> tuple[Loop, ...]:
        """What a worker does beside the ledger."""
        return (Loop("forget mails", partial(self.forget, KEEP_FOR), every=300),)

    async def forget(self, older_than: timedelta) -> bool:
        """Forget mails that ended so long ago; True when there are more."""
        async with self.database.transaction() as tx:
            return await MailRepository(tx).forget(older_than, _AT_ONCE) >= _AT_ONCE

    async def _stored(self, mail: Mail) -> Outgoing:
        address = address_hash = parameters = None
        if mail.to is not None:
            place = PLACE + mail.id.bytes
            address, parameters = await self.keyring.seal_many(
                mail.organization_id,
                [(mail.to.encode(), place + b"address"), (orjson.dumps(mail.parameters), place + b"parameters")],
                subject=mail.subject,
            )
            address_hash = (await self._secret()).hashed(mail.to)
        return Outgoing(
            id=mail.id,
            organization_id=mail.organization_id,
            category=mail.category,
            template=mail.template,
            locale=mail.locale,
            about=mail.about,
            detail=mail.detail,
            address=address,
            address_hash=address_hash,
            parameters=parameters,
            message_id=f"<{mail.id}@{self.post.domain}>",
            unknowns=0,
            created_at=self.database.clock.now(),
        )

    async def _hashed(self, addresses: Collection[str]) -> list[bytes]:
        secret = await self._secret()
        return [secret.hashed(address) for address in addresses]

    async def _secret(self) -> MailSecret:
        return await MailSecret.of(self.keyring)


def _without_hash(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "address_hash"}
