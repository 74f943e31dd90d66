"""A program that writes texts without a network: always the same for the same question, plausible, and for nothing.

It stands in where no key is set, so that everything can be tried and tested. It understands what our own prompts want
by their hints, and invents JSON for any other shape.
"""

import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from generation.calls.model import Usage
from generation.providers.base import Ask, End, Piece, Verdict
from generation.providers.local_assistant import answered, called
from generation.providers.phrases import PHRASES

NAME: Final = "local"
MODEL: Final = "rostrum-local"
SIZE: Final = 64
"""Numbers of a vector."""

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?")
_WORD = re.compile(r"\w+", re.UNICODE)
_TERMS: Final = {
    "violence": ("kill them", "massacre", "bomb attack"),
    "hate": ("subhuman", "racial slur"),
    "self-harm": ("kill myself", "suicide method"),
    "sexual/minors": ("child porn", "sexualized minor"),
    "sexual": ("explicit porn",),
    "harassment": ("worthless idiot",),
    "illicit": ("build a bomb", "buy cocaine"),
}
"""Phrases that are flagged; a list for trying things out, and no moderation to rely on."""


class Local:
    """Writes, embeds and judges by rules of its own."""

    name = NAME

    async def write(self, model: str, ask: Ask) -> AsyncIterator[Piece | End]:
        """The text in pieces of some words."""
        _ = model
        calls = called(ask)
        text = "" if calls else _text(ask)
        words, told, given = re.findall(r"\s*\S+", text), 0, ask.most_tokens
        for start in range(0, len(words), 8):
            part = words[start : start + 8][: given - told]
            told += len(part)
            if part:
                yield Piece("".join(part))
            await asyncio.sleep(0)
        read = sum(len(_WORD.findall(each.text)) for each in ask.messages)
        told += sum(len(_WORD.findall(each.arguments)) for each in calls)
        yield End(Usage(read, 0, told), whole=bool(calls) or told == len(words), calls=calls)

    async def embed(self, model: str, texts: Sequence[str]) -> tuple[Sequence[Sequence[float]], Usage]:
        """Words hashed into a vector of length one: texts that share words are near one another."""
        _ = model
        return [vector(each) for each in texts], Usage(sum(len(_WORD.findall(each)) for each in texts), 0, 0)

    async def judge(self, model: str, texts: Sequence[str]) -> Sequence[Verdict]:
        """By a short list of phrases."""
        _ = model
        return [_judged(each.casefold()) for each in texts]

    async def close(self) -> None:
        """There is nothing to let go of."""


def vector(text: str) -> list[float]:
    """A vector of length one for a text."""
    found = [0.0] * SIZE
    for word in _WORD.findall(text.casefold()):
        digest = hashlib.sha256(word.encode()).digest()
        found[digest[0] % SIZE] += 1.0 if digest[1] % 2 else -1.0
    length = math.sqrt(sum(each * each for each in found)) or 1.0
    return [each / length for each in found]


def _judged(text: str) -> Verdict:
    scores = {name: 0.9 if any(term in text for term in terms) else 0.01 for name, terms in _TERMS.items()}
    return Verdict(scores, frozenset(name for name, score in scores.items() if score > 0.5))


def _text(ask: Ask) -> str:
    seed = hashlib.sha256("\0".join(each.text for each in ask.messages).encode(errors="surrogatepass")).digest()
    random = Random(seed)
    if ask.hints.get("slots"):
        written = {f"p{place}": _written(slot, random) for place, slot in enumerate(ask.hints["slots"], 1)}
        return json.dumps(written, ensure_ascii=False)
    if ask.hints.get("assistant"):
        return answered(ask)
    if ask.shape is not None:
        return json.dumps(invented(ask.shape.schema, random), ensure_ascii=False)
    return _sentences("en", "this", random, 400)


def _written(slot: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """A text for one place: of its language, within its length, about its subject."""
    language, subject = str(slot["language"]), str(slot.get("subject", ""))
    if slot.get("emoji") == "none":
        subject = _EMOJI.sub(" ", subject)
    longest = int(slot["longest"])
    tags = _tags(subject, int(slot.get("hashtags", 0)))
    room = longest - sum(len(each) + 2 for each in tags) - len(str(slot.get("link", ""))) - 4
    text = _sentences(language, subject, random, max(40, min(room, int(slot.get("around", 280)))))
    for term in (slot.get("glossary") or {}).values():
        if term.casefold() not in text.casefold() and len(text) + len(term) + 1 < room:
            text = f"{text} {term}"
    if slot.get("link"):
        text = f"{text} {slot['link']}"
    made: dict[str, Any] = {"text": text, "hashtags": tags, "parts": []}
    parts = int(slot.get("parts", 0))
    if parts:
        made["parts"] = [_sentences(language, subject, random, min(room, 240)) for _ in range(parts)]
    if "title" in slot:
        made |= {
            "title": _sentences(language, subject, random, 60),
            "keywords": [tag[1:] for tag in _tags(subject, 5)],
        }
    return made


def _tags(subject: str, most: int) -> list[str]:
    words = dict.fromkeys(word.capitalize() for word in _WORD.findall(subject) if len(word) > 3 and word.isalpha())
    return [f"#{word}" for word in words][:most]


def _sentences(language: str, subject: str, random: Random, about: int) -> str:
    """Sentences of a language about a subject, as many as fit."""
    phrases = list(PHRASES.get(language.partition("-")[0], PHRASES["en"]))
    random.shuffle(phrases)
    phrases.sort(key=lambda phrase: "{subject}" not in phrase)
    named = " ".join(re.sub(r"[#@<>{}\[\]`\"\\]|https?://\S+", " ", subject).split()[:6]) or "…"
    text = ""
    for phrase in phrases:
        more = phrase.format(subject=named)
        if len(text) + len(more) + 1 > about:
            continue
        text = f"{text} {more}".strip()
    return text or named[:about]


def invented(schema: Mapping[str, Any], random: Random) -> Any:
    """A value that a schema allows, for questions that are not our own prompts'."""
    if "enum" in schema:
        return schema["enum"][random.randrange(len(schema["enum"]))]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {name: invented(inner, random) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(int(schema.get("minItems", 1)), 1)
        return [invented(schema.get("items", {}), random) for _ in range(count)]
    plain: dict[str, Any] = {
        "integer": random.randrange(10),
        "number": random.random(),
        "boolean": True,
        "null": None,
    }
    return plain.get(str(kind), _sentences("en", "this", random, 80))
