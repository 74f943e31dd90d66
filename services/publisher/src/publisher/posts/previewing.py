"""A dry run: what would be wrong with a post on each account, and what people would see there."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.db.database import Database
from kit.http.caller import MemberCaller
from postrules.limits import Platform as PlatformName
from postrules.previews import Preview, preview
from publisher.accounts.repository import AccountRepository
from publisher.media.source import MediaSource
from publisher.platforms.base import Platform
from publisher.posts.checking import Fault, faults, unknown
from publisher.posts.composing import Composed, Variant, compose
from publisher.posts.content import NOTHING_MORE
from publisher.posts.errors import PostNotAcceptable
from publisher.posts.model import Changes, Unset


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as one account would get it."""

    variant: Variant
    faults: tuple[Fault, ...]
    preview: Preview

    @property
    def ready(self) -> bool:
        """Whether the platform would take it as it is."""
        return not any(fault.finding.blocks for fault in self.faults)


@dataclass(frozen=True, slots=True)
class PreviewService:
    """Shows posts that nobody has written yet; it reads, stores nothing, and asks no platform."""

    database: Database
    platforms: Mapping[PlatformName, Platform]
    media: MediaSource

    async def show(self, changes: Changes, caller: MemberCaller) -> list[Shown]:
        """The post on each of its accounts, in their order.

        Raises:
            PostNotAcceptable: an account, picture or video is not there.
        """
        text = "" if changes.text is Unset else changes.text
        targets = () if changes.targets is Unset else changes.targets
        content = NOTHING_MORE if changes.content is Unset else changes.content
        async with self.database.snapshot(caller.organization_id) as tx:
            accounts = await AccountRepository(tx).among({target.account_id for target in targets})
            composed = await compose(tx, self.media, Composed(text, content, targets, accounts))
        missing = unknown(composed)
        if missing:
            raise PostNotAcceptable(errors=missing)
        return [self._shown(variant) for variant in composed.variants()]

    def _shown(self, variant: Variant) -> Shown:
        found = tuple(faults(variant, self.platforms.get(variant.account.platform)))
        return Shown(variant, found, preview(variant.draft))
