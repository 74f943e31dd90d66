"""What is checked about the kind of a post and its options."""

from collections.abc import Iterator

from postrules import words
from postrules.drafts import Draft, Finding
from postrules.findings import Place, found


def kind(draft: Draft) -> Iterator[Finding]:
    """A kind of post that the platform does not have."""
    limit = draft.limit("kinds")
    if limit and draft.kind not in draft.names("kinds"):
        kinds = words.amount(limit.value, limit.unit)
        detail = f"{draft.limits.name} has no {draft.kind}."
        yield found(draft, Place("/kind"), limit, detail, f"Publish it there as {kinds}.", actual=draft.kind.value)


def check(draft: Draft) -> Iterator[Finding]:
    """Everything about the options."""
    yield from _privacy(draft)
    name = draft.limits.name
    if draft.ai_label and not draft.holds("ai_label"):
        detail = f"{name} takes no label for what AI has made; it will be left out."
        yield found(draft, Place("/ai_label"), "ai_label", detail, "Say it in the text.", blocks=False)
    asked = draft.limit("made_for_kids.asked")
    if asked and draft.made_for_kids is None:
        detail = f"{name} wants to know whether this is made for children; else the setting of the channel decides."
        yield found(draft, Place("/made_for_kids"), asked, detail, "Say yes or no.", blocks=False)


def _privacy(draft: Draft) -> Iterator[Finding]:
    name, place, limit = draft.limits.name, Place("/privacy"), draft.limit("privacy")
    choices = draft.names("privacy")
    if draft.privacy is None:
        if draft.holds("privacy.needed"):
            fix = f"Choose {words.listed(choices)}."
            yield found(draft, place, "privacy.needed", f"{name} must be told who may see this.", fix)
    elif limit and draft.privacy not in choices:
        detail = f"{name} does not publish for {draft.privacy.value} only."
        fix = f"Choose {words.listed(choices)}."
        yield found(draft, place, limit, detail, fix, actual=draft.privacy.value)
