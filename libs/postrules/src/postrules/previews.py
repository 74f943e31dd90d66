"""What readers will see of a draft, and how much of each limit it takes."""

from dataclasses import dataclass
from typing import Final

from postrules.cutting import cut
from postrules.drafts import Draft, Kind
from postrules.limits import Limit, Unit
from postrules.linked import linked
from postrules.measure import MEASURES, clusters, shown

_MOST_PROPOSED: Final = 25


@dataclass(frozen=True, slots=True)
class Counter:
    """How much of a limit a text takes; what is left is negative when it is too long."""

    length: int
    limit: int
    unit: Unit

    @property
    def left(self) -> int:
        """How much more may be written."""
        return self.limit - self.length


@dataclass(frozen=True, slots=True)
class Part:
    """One text as it will be seen; `fold` is the code point before which a reader meets "more"."""

    text: str
    counter: Counter
    fold: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A draft as its platform will show it.

    `parts` are its text and the further parts of a thread. `proposal` are the parts into which a text that is too
    long could be cut, where there are threads; nothing is cut unless somebody takes it up. `card` is the link of
    which the platform shows a card. What is found in the text becomes a link there.
    """

    kind: Kind
    parts: tuple[Part, ...]
    title: Part | None
    first_comment: Part | None
    card: str | None
    links: tuple[str, ...]
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    cashtags: tuple[str, ...]
    proposal: tuple[Part, ...] = ()


def preview(draft: Draft) -> Preview:
    """The draft as it will be seen."""
    longest = draft.limit("text.max")
    if longest is None:
        raise LookupError(f"{draft.platform} has no limit of text")
    text = draft.sent_text if draft.holds("text.allowed", default=True) else ""
    there = linked(draft.platform, text)
    return Preview(
        kind=draft.published_as,
        parts=(_part(draft, longest, text, folds=True), *(_part(draft, longest, each.text) for each in draft.thread)),
        title=_other(draft, "title.max", draft.title),
        first_comment=_other(draft, "comment.max", draft.first_comment),
        card=_card(draft, there.links),
        links=_once(there.links),
        hashtags=_once(there.hashtags),
        mentions=_once(there.mentions),
        cashtags=_once(there.cashtags),
        proposal=_proposal(draft, longest, text),
    )


def _part(draft: Draft, limit: Limit, text: str, *, folds: bool = False) -> Part:
    seen = shown(draft.platform, text)
    measure = MEASURES[limit.unit]
    counter = Counter(measure(seen), int(limit.number), limit.unit)
    return Part(seen, counter, _fold(draft, seen) if folds else None)


def _fold(draft: Draft, text: str) -> int | None:
    limit = draft.limit("text.fold")
    if limit is None:
        return None
    signs = clusters(text)
    first = int(limit.number)
    return sum(len(sign) for sign in signs[:first]) if len(signs) > first else None


def _other(draft: Draft, rule: str, text: str) -> Part | None:
    limit = draft.limit(rule)
    return _part(draft, limit, text) if text and limit else None


def _card(draft: Draft, links: tuple[str, ...]) -> str | None:
    if draft.media or not draft.holds("link.card"):
        return None
    return draft.link or (links[0] if links else None)


def _once(found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))


def _proposal(draft: Draft, limit: Limit, text: str) -> tuple[Part, ...]:
    measure = MEASURES[limit.unit]
    if Kind.THREAD not in draft.names("kinds") or draft.thread or measure(text) <= limit.number:
        return ()
    return tuple(_part(draft, limit, each) for each in cut(text, limit.number, measure, most=_MOST_PROPOSED))
