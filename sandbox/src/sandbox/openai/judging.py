"""Moderation: the thirteen categories, by a short list of phrases."""

from typing import Final
from uuid import uuid4

from sandbox.json import Object
from sandbox.openai import errors

CATEGORIES: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
_PHRASES: Final = {
    "violence": ("kill them", "massacre"),
    "hate": ("subhuman",),
    "self-harm": ("kill myself",),
    "self-harm/intent": ("kill myself",),
    "sexual/minors": ("sexualized minor",),
    "sexual": ("explicit porn",),
    "harassment": ("worthless idiot",),
    "illicit": ("buy cocaine",),
}


def judged(body: Object) -> Object:
    """The answer of /moderations."""
    asked = body.get("input")
    texts = [asked] if isinstance(asked, str) else asked
    if not isinstance(texts, list) or not texts:
        raise errors.missing("input")
    model = body.get("model") or "omni-moderation-latest"
    return {"id": f"modr-{uuid4().hex}", "model": model, "results": [_result(_text(each)) for each in texts]}


def _text(asked: object) -> str:
    if isinstance(asked, dict):
        asked = asked.get("text", "")
    return asked.casefold() if isinstance(asked, str) else ""


def _result(text: str) -> Object:
    hits = {name for name, phrases in _PHRASES.items() if any(phrase in text for phrase in phrases)}
    return {
        "flagged": bool(hits),
        "categories": {name: name in hits for name in CATEGORIES},
        "category_scores": {name: 0.97 if name in hits else 0.0004 for name in CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
