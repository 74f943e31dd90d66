"""What is checked about texts: how long they are and what is in them."""

from collections.abc import Iterator
from typing import Final

from postrules import entities, words
from postrules.cutting import cut
from postrules.drafts import Draft, Finding, Kind
from postrules.findings import Place, found
from postrules.forms import is_url
from postrules.limits import Limit, Platform
from postrules.linked import linked
from postrules.measure import MEASURES, shown

TEXT: Final = Place("/text")
TITLE: Final = Place("/title")
COMMENT: Final = Place("/first_comment")


def check(draft: Draft) -> Iterator[Finding]:
    """Everything about the draft's texts."""
    yield from _text(draft)
    yield from _contents(draft)
    yield from _title(draft)
    yield from _link(draft)
    yield from _thread(draft)
    yield from _comment(draft)
    yield from _tags(draft)


def measured(draft: Draft, limit: Limit, text: str) -> int:
    """How much of a limit a text takes."""
    return MEASURES[limit.unit](shown(draft.platform, text))


def too_long(draft: Draft, place: Place, rule: str, text: str, what: str) -> Iterator[Finding]:
    """A text that is longer than its limit."""
    limit = draft.limit(rule)
    if limit is None or not text:
        return
    length = measured(draft, limit, text)
    if length > limit.number:
        over = length - int(limit.number)
        yield found(
            draft,
            place,
            limit,
            f"{draft.limits.name} takes {words.of(limit)} in {what}; these are {length:,}.",
            f"Shorten {what} by {over:,}" + _instead(draft, place, limit) + ".",
            actual=length,
        )


def _instead(draft: Draft, place: Place, limit: Limit) -> str:
    if place is not TEXT or Kind.THREAD not in draft.names("kinds") or draft.thread:
        return ""
    parts = cut(draft.sent_text, limit.number, MEASURES[limit.unit], most=25)
    return f", or publish it as a thread of {len(parts)} parts" if parts else ""


def _text(draft: Draft) -> Iterator[Finding]:
    name, text = draft.limits.name, draft.sent_text
    if not text.strip() and not draft.media and not draft.link:
        yield found(draft, TEXT, "text.needed", f"{name} takes no empty post.", "Write a text or add media.")
        return
    if not draft.holds("text.allowed", default=True):
        if draft.text.strip():
            detail = f"{name} shows no text with a {draft.published_as}."
            fix = "Put the words into the picture or video, or leave the text out."
            yield found(draft, TEXT, "text.allowed", detail, fix, blocks=False)
        return
    yield from too_long(draft, TEXT, "text.max", text, "the text")
    yield from _without(draft, TEXT, "text.without", text, "the text")
    yield from _invalid(draft, TEXT, text)


def _without(draft: Draft, place: Place, rule: str, text: str, what: str) -> Iterator[Finding]:
    for sign in draft.names(rule):
        if sign in text:
            limit = draft.limit(rule)
            detail = f"{draft.limits.name} takes no {sign} in {what}."
            yield found(draft, place, limit or rule, detail, f"Leave out {sign}.", actual=sign)


def _invalid(draft: Draft, place: Place, text: str) -> Iterator[Finding]:
    unseen = next((sign for sign in text if sign in entities.INVALID), None)
    if draft.platform is Platform.X and unseen:
        code = f"U+{ord(unseen):04X}"
        detail = f"X refuses a text with the invisible character {code}."
        yield found(draft, place, "text.invalid", detail, "Remove it, or write the text anew.", actual=code)


def _contents(draft: Draft) -> Iterator[Finding]:
    text = draft.sent_text
    if not text or not draft.holds("text.allowed", default=True):
        return
    found_there = linked(draft.platform, text)
    tags = len(found_there.hashtags)
    yield from _too_many(draft, TEXT, "hashtags.max", tags, "hashtags")
    heeded = draft.limit("hashtags.linked")
    if heeded and tags > heeded.number:
        only = words.of(heeded)
        detail = (
            f"{draft.limits.name} heeds at most {only} of hashtags in a post; there are {tags}. {heeded.note}".strip()
        )
        yield found(draft, TEXT, heeded, detail, f"Use at most {only}.", actual=tags, blocks=False)
    yield from _too_many(draft, TEXT, "mentions.max", len(found_there.mentions), "mentions")
    yield from _too_many(draft, TEXT, "cashtags.max", len(found_there.cashtags), "cashtags")
    different = set(found_there.links) | ({draft.link} if draft.link else set())
    yield from _too_many(draft, TEXT, "links.max", len(different), "links")
    if different and not draft.holds("link.clickable", default=True):
        detail = f"{draft.limits.name} shows links as plain text that nobody can follow."
        yield found(draft, TEXT, "link.clickable", detail, "Say where else the link is found.", blocks=False)


def _too_many(draft: Draft, place: Place, rule: str, count: int, what: str) -> Iterator[Finding]:
    limit = draft.limit(rule)
    if limit and count > limit.number:
        detail = f"{draft.limits.name} takes {words.of(limit)} {what} at most; there are {count:,}."
        yield found(draft, place, limit, detail, f"Leave out {count - int(limit.number):,}.", actual=count)


def _title(draft: Draft) -> Iterator[Finding]:
    name, title = draft.limits.name, draft.title
    needed = draft.limit("title.needed")
    if needed and needed.value and not title.strip():
        yield found(draft, TITLE, needed, f"{name} needs a title.", "Write one.")
    if title and draft.limit("title.max") is None:
        detail = f"{name} shows no title with a {draft.published_as}; it will be left out."
        yield found(draft, TITLE, "title.allowed", detail, "Say it in the text, if it matters.", blocks=False)
        return
    yield from too_long(draft, TITLE, "title.max", title, "the title")
    yield from _without(draft, TITLE, "title.without", title, "the title")


def _link(draft: Draft) -> Iterator[Finding]:
    if draft.link and not is_url(draft.link):
        detail = "This is no address of the web."
        yield found(draft, Place("/link"), "link.form", detail, "Begin it with https:// and write it without spaces.")


def _thread(draft: Draft) -> Iterator[Finding]:
    if not draft.thread:
        return
    place = Place("/thread")
    if Kind.THREAD not in draft.names("kinds"):
        fix = "Leave the further parts out there, or join them with the text."
        detail = f"{draft.limits.name} has no threads."
        yield found(draft, place, "thread.allowed", detail, fix, actual=len(draft.thread))
        return
    yield from _too_many(draft, place, "thread.parts.max", 1 + len(draft.thread), "parts of a thread")


def _comment(draft: Draft) -> Iterator[Finding]:
    comment = draft.first_comment
    if not comment:
        return
    if not draft.holds("comment.allowed", default=True) or draft.limit("comment.max") is None:
        detail = f"{draft.limits.name} takes no first comment with a {draft.published_as}."
        yield found(draft, COMMENT, "comment.allowed", detail, "Leave it out there, or say it in the text.")
        return
    if not comment.strip():
        yield found(draft, COMMENT, "text.needed", "The first comment is empty.", "Write it, or leave it out.")
    yield from too_long(draft, COMMENT, "comment.max", comment, "the first comment")
    there = linked(draft.platform, comment)
    yield from _too_many(draft, COMMENT, "comment.hashtags.max", len(there.hashtags), "hashtags in a comment")
    yield from _too_many(draft, COMMENT, "comment.links.max", len(there.links), "links in a comment")


def _tags(draft: Draft) -> Iterator[Finding]:
    if not draft.tags:
        return
    limit = draft.limit("tags.max")
    if limit is None:
        detail = f"{draft.limits.name} has no tags apart from hashtags; they will be left out."
        yield found(draft, Place("/tags"), "tags.allowed", detail, "Write hashtags into the text.", blocks=False)
        return
    length = sum(measured(draft, limit, tag) + 2 * (" " in tag) for tag in draft.tags) + len(draft.tags) - 1
    if length > limit.number:
        detail = f"{draft.limits.name} takes {words.of(limit)} in all tags together; these are {length:,}."
        yield found(draft, Place("/tags"), limit, detail, "Leave out some tags.", actual=length)
