"""What the model says: deterministic, plausible, within the shape and the number of tokens that were asked for."""

import hashlib
import re
from random import Random
from typing import Final

import orjson

from sandbox.json import Object, list_at, object_at, text_at

_LENGTH: Final = re.compile(r"[Aa]t most ([0-9]{1,6}) characters")
_LANGUAGE: Final = re.compile(r"[Ll]anguage:? ([a-z]{2})\b")
_ITEMS: Final = re.compile(r"[Aa]t most ([0-9]{1,3}) (?:items|hashtags)")
_WORDS: Final = re.compile(r"\s*\S+")

SENTENCES: Final = {
    "en": (
        "We have something new for you, and it is ready today.",
        "It took us a while, but we think that you will like what we made.",
        "Tell us what you want to see next.",
        "This is for all of you who have asked for it.",
    ),
    "de": (
        "Wir haben etwas Neues für euch, und es ist ab heute da.",
        "Es hat gedauert, aber wir glauben, dass euch gefällt, was wir gemacht haben.",
        "Sagt uns, was ihr als Nächstes sehen wollt.",
    ),
    "fr": (
        "Nous avons quelque chose de nouveau pour vous, et c'est prêt dès aujourd'hui.",
        "Cela nous a pris du temps, mais nous pensons que vous allez aimer.",
        "Dites-nous ce que vous voulez voir ensuite.",
    ),
    "es": (
        "Tenemos algo nuevo para ti y ya está listo hoy.",
        "Nos ha llevado un tiempo, pero creemos que te va a gustar lo que hemos hecho.",
        "Dinos qué quieres ver después.",
    ),
}


def random_of(*seeds: str) -> Random:
    """Chance that is the same each time."""
    return Random(hashlib.sha256("\0".join(seeds).encode(errors="surrogatepass")).digest())


def tokens(text: str) -> int:
    """About as many tokens as a text has: four letters each."""
    return max(1, (len(text.encode(errors="surrogatepass")) + 3) // 4)


def sentences(language: str, random: Random, longest: int) -> str:
    """Some sentences of a language, never longer than that."""
    found, text = list(SENTENCES.get(language, SENTENCES["en"])), ""
    random.shuffle(found)
    for sentence in found[: random.randint(2, 3)]:
        if len(text) + len(sentence) + 1 <= longest:
            text = f"{text} {sentence}".strip()
    return text or "New today."[:longest]


def shaped(schema: Object, random: Random, said: str = "") -> object:
    """A value that a JSON schema allows, as its descriptions wish."""
    said = f"{said} {text_at(schema, 'description')}"
    options = list_at(schema, "enum")
    if options:
        return options[random.randrange(len(options))]
    if "const" in schema:
        return schema["const"]
    either = list_at(schema, "anyOf")
    if either and isinstance(either[0], dict):
        return shaped(either[0], random, said)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        fields = object_at(schema, "properties")
        return {name: shaped(object_at(fields, name), random, said) for name in fields}
    if kind == "array":
        return _list(schema, random, said)
    plain: dict[str, object] = {"integer": random.randrange(10), "number": 0.5, "boolean": True, "null": None}
    return plain[str(kind)] if kind in plain else _text(random, said, text_at(schema, "pattern"))


def _list(schema: Object, random: Random, said: str) -> object:
    found = _ITEMS.findall(said)
    least = schema.get("minItems")
    count = max(least if isinstance(least, int) else 0, min(int(found[-1]), 3) if found else 1)
    return [shaped(object_at(schema, "items"), random, said) for _ in range(count)]


def _text(random: Random, said: str, pattern: str) -> str:
    if "hashtag" in said.rpartition("Language")[2].casefold() and "#" in pattern + said:
        return "#" + random.choice(("News", "Today", "ForYou", "Launch", "Team", "Behind"))
    lengths, languages = _LENGTH.findall(said), _LANGUAGE.findall(said)
    return sentences(languages[-1] if languages else "en", random, int(lengths[-1]) if lengths else 300)


def answer(schema: Object | None, most: int, random: Random) -> tuple[str, bool]:
    """The text, and whether it is complete."""
    text = sentences("en", random, 400) if schema is None else orjson.dumps(shaped(schema, random)).decode()
    words = _WORDS.findall(text)
    while words and tokens("".join(words)) > most:
        words.pop()
    shown = "".join(words) if words else text[: most * 4]
    return shown, shown == text


def pieces(text: str) -> list[str]:
    """A text in the pieces in which it is streamed."""
    words = _WORDS.findall(text)
    return ["".join(words[start : start + 4]) for start in range(0, len(words), 4)]


def vector(text: str, size: int) -> list[float]:
    """A vector of length one; texts that share words are near one another."""
    found = [0.0] * size
    for word in re.findall(r"\w+", text.casefold()):
        digest = hashlib.sha256(word.encode()).digest()
        found[int.from_bytes(digest[:4]) % size] += 1.0 if digest[4] % 2 else -1.0
    length = sum(each * each for each in found) ** 0.5 or 1.0
    return [each / length for each in found]
