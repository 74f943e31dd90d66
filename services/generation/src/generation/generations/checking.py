"""Whether what a model answered may be kept: of the right shape, language and length, as its platform takes it.

Nothing is cut or mended here. A text is kept as it came (with spaces around it taken away), or there is a fault that
says why not.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from generation.generations.model import Fault, Slot, Text, Wanted
from generation.generations.prompts import name
from generation.generations.speaking import applied_to
from generation.voices.languages import other_than
from generation.voices.measuring import has_word
from postrules import text_rules
from postrules.drafts import Draft, Kind, Part

_HASHTAG: Final = re.compile(r"#\w{1,60}", re.UNICODE)
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]|[\ud800-\udfff]")
_EMOJI: Final = re.compile(r"[\U0001F300-\U0001FAFF☀-➿]")


def read(answer: str, wanted: Wanted, slots: Sequence[Slot]) -> tuple[list[Text], list[Fault]]:
    """The texts that may be kept, and what is wrong with the others."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return [], [Fault(None, "json", "The answer is not the JSON that was asked for.")]
    if not isinstance(found, dict):
        return [], [Fault(None, "json", "The answer is not a JSON object.")]
    texts: list[Text] = []
    faults: list[Fault] = []
    for place, slot in enumerate(slots):
        text = _text(found.get(name(place)), slot)
        wrong = check(text, wanted) if text else [Fault(slot, "shape", "This place has no text of the right shape.")]
        faults += wrong
        if text and not wrong:
            texts.append(text)
    return texts, faults


def check(text: Text, wanted: Wanted) -> list[Fault]:
    """What is wrong with a text; nothing when it may be published there as it is."""
    slot = text.slot
    faults = [Fault(slot, rule, says) for rule, says in _own(text, wanted)]
    kind = Kind.THREAD if text.parts else Kind.POST
    draft = Draft(text.platform, text.published, kind=kind, title=text.title, thread=tuple(map(Part, text.parts)))
    faults += [
        Fault(slot, each.rule, f"{each.detail} {each.fix}")
        for each in text_rules.check(draft)
        if each.blocks and (each.field != "/title" or text.title)
    ]
    for part in text.parts:
        alone = Draft(text.platform, part)
        faults += [
            Fault(slot, each.rule, f"A part: {each.detail} {each.fix}")
            for each in text_rules.check(alone)
            if each.blocks and each.field == "/text"
        ]
    return faults


def _own(text: Text, wanted: Wanted) -> list[tuple[str, str]]:
    whole = "\n".join((text.published, text.title, *text.parts, *text.keywords))
    wrong = []
    if not text.text:
        wrong.append(("empty", "The text is empty."))
    if _UNSEEN.search(whole):
        wrong.append(("unseen", "There are control characters or others that nobody sees."))
    if other_than(text.language, "\n".join((text.text, *text.parts))):
        wrong.append(("language", f"The text is not in the language {text.language}."))
    if len(text.hashtags) > wanted.hashtags or not all(_HASHTAG.fullmatch(each) for each in text.hashtags):
        wrong.append(("hashtags", f"At most {wanted.hashtags} hashtags, each # and letters or digits."))
    if wanted.emoji == "none" and _EMOJI.search(whole):
        wrong.append(("emoji", "There are emoji, and none are wanted."))
    if wanted.kind == "thread" and len(text.parts) != wanted.parts:
        wrong.append(("parts", f"There are {len(text.parts)} parts; {wanted.parts} are wanted."))
    if wanted.kind != "thread" and text.parts:
        wrong.append(("parts", "No further parts are wanted."))
    if wanted.kind == "translate":
        lost = [
            term for source, term in wanted.glossary.items() if _has(wanted.subject, source) and not _has(whole, term)
        ]
        wrong += [("glossary", f"The glossary's word {term!r} is missing.") for term in lost]
    if wanted.kind == "improve" and wanted.improvement == "shorter" and len(text.text) >= len(wanted.subject):
        wrong.append(("shorter", "The text is not shorter than before."))
    applied = applied_to(wanted)
    banned = () if applied is None else applied.rules.banned_words
    wrong += [("banned_words", f"The word {each!r} is banned.") for each in banned if has_word(whole, each)]
    return wrong


def _has(text: str, term: str) -> bool:
    return term.casefold() in text.casefold()


def _text(found: Any, slot: Slot) -> Text | None:
    """A place's text, if it has the right shape."""
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        return None
    lists = {key: found.get(key, []) for key in ("hashtags", "parts", "keywords")}
    if not all(isinstance(each, list) and all(isinstance(one, str) for one in each) for each in lists.values()):
        return None
    title = found.get("title", "")
    if not isinstance(title, str):
        return None
    tags = [each if each.startswith("#") else f"#{each}" for each in map(str.strip, lists["hashtags"])]
    return Text(
        platform=slot.platform,
        language=slot.language,
        variation=slot.variation,
        text=found["text"].strip(),
        hashtags=tuple(dict.fromkeys(tags)),
        parts=tuple(each.strip() for each in lists["parts"]),
        title=title.strip(),
        keywords=tuple(each.strip() for each in lists["keywords"][:20]),
    )
