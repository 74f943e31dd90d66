"""Whether a platform would publish a draft, and as it is meant. No rule here cuts or changes anything."""

from collections.abc import Iterator
from dataclasses import replace

from postrules import media_rules, option_rules, text_rules
from postrules.drafts import Draft, Finding, Kind


def validate(draft: Draft) -> list[Finding]:
    """Everything that is wrong with a draft; nothing when it may go as it is."""
    return list(_all(draft))


def refusals(draft: Draft) -> list[Finding]:
    """Only that for which the platform would refuse it."""
    return [finding for finding in _all(draft) if finding.blocks]


def _all(draft: Draft) -> Iterator[Finding]:
    wrong_kind = list(option_rules.kind(draft))
    yield from wrong_kind
    if wrong_kind:
        return
    yield from text_rules.check(draft)
    yield from media_rules.check(draft)
    yield from option_rules.check(draft)
    if Kind.THREAD in draft.names("kinds"):
        yield from _parts(draft)


def _parts(draft: Draft) -> Iterator[Finding]:
    """What is wrong with the further parts of a thread: each is a post of its own."""
    for place, part in enumerate(draft.thread):
        alone = Draft(draft.platform, part.text, media=part.media, account=draft.account)
        for finding in (*text_rules.check(alone), *media_rules.check(alone)):
            yield replace(finding, field=f"/thread/{place}{finding.field}")
