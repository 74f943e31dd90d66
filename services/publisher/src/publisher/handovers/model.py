"""Texts that come from elsewhere to become a draft, and published texts that are wanted elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from uuid import UUID

from postrules.drafts import Kind as PostKind
from postrules.limits import Platform
from publisher.accounts.model import Account
from publisher.posts.content import Content, Part
from publisher.posts.model import Changes, Target

What = Literal["draft", "samples"]

LARGEST: Final = 60_000
"""Bytes of published texts that are handed over at once: sealed and in base64 they fit into one message."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One thing to be done, named by the draft's id or by that of the sample that was asked for."""

    id: UUID
    organization_id: UUID
    what: What
    user_id: UUID | None
    account_ids: Sequence[UUID]
    texts_sealed: bytes | None
    at_most: int


@dataclass(frozen=True, slots=True)
class Handed:
    """A text for one platform, as it was handed over."""

    platform: Platform
    text: str
    title: str
    parts: Sequence[str]

    @property
    def content(self) -> Content:
        """What there is besides the text."""
        kind = PostKind.THREAD if self.parts else PostKind.POST
        return Content(kind=kind, title=self.title, parts=tuple(Part(each) for each in self.parts))


def handed(stored: Sequence[Mapping[str, Any]]) -> list[Handed]:
    """The texts as they were sealed."""
    return [Handed(Platform(each["platform"]), each["text"], each["title"], each["parts"]) for each in stored]


def changes(texts: Sequence[Handed], accounts: Mapping[UUID, Account]) -> Changes:
    """The draft that they make: the first text for all, and its own for each account whose platform has one."""
    first, by = texts[0], {each.platform: each for each in texts}
    targets = []
    for account_id, account in accounts.items():
        target, own = Target(account_id), by.get(Platform(account.platform.value), first)
        if own is not first:
            stored = Content.read({}).stored() | {"title": own.title, "kind": own.content.kind.value}
            target = replace(
                target, text=own.text, different=stored | {"parts": own.content.stored().get("parts", [])}
            )
        targets.append(target)
    return Changes(first.text, tuple(targets), None, first.content)


def fitting(texts: Sequence[str]) -> list[str]:
    """As many of these, from the first on, as fit into one message."""
    chosen, size = [], 0
    for text in texts:
        size += len(text.encode(errors="replace")) + 8
        if size > LARGEST:
            break
        chosen.append(text)
    return chosen


def draft_place(post_id: UUID) -> bytes:
    """The place for which generation seals texts that are to become a draft."""
    return f"handovers/{post_id}/texts_sealed".encode()


def sample_place(sample_id: UUID) -> bytes:
    """The place for which generation opens texts that it learns from."""
    return f"voice_samples/{sample_id}/text_sealed".encode()
