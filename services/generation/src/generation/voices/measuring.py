"""How a text is written, in numbers, and how many texts are, taken together: plain functions of words.

Each trait is counted per text, so many short texts weigh as much as a few long ones. Rates are per hundred words.
What is formal in a language is told by its forms of address and by short forms, as far as a list of words can tell.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from generation.voices.languages import COMMON
from generation.voices.model import Profile, Trait

TRAITS: Final[Mapping[str, str]] = {
    "sentence_words": "words in a sentence",
    "word_letters": "letters in a word",
    "sentences": "sentences in a text",
    "paragraphs": "paragraphs in a text",
    "emoji": "emoji per 100 words",
    "exclamations": "exclamation marks per 100 words",
    "questions": "question marks per 100 words",
    "dashes": "dashes per 100 words",
    "ellipses": "ellipses per 100 words",
    "capitals": "words in capitals per 100 words",
    "hashtags": "hashtags in a text",
    "i": "words for I per 100 words",
    "we": "words for we per 100 words",
    "you": "words for you per 100 words",
    "formality": "formality, from 0 to 100",
}
"""What is measured, in words for people."""

_EMOJI: Final = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*", re.UNICODE)
_LINK: Final = re.compile(r"https?://\S+")
_HASHTAG: Final = re.compile(r"#\w+", re.UNICODE)
_END: Final = re.compile(r"[.!?\u2026]+(?=\s|$)|\n+")
_DASH: Final = re.compile(r"\s[-\u2013\u2014]\s|\u2014")
_ELLIPSIS: Final = re.compile(r"\.{3}|\u2026")
_SHORT: Final = re.compile(r"['\u2019](?:s|re|ve|ll|d|m|t)\b", re.IGNORECASE)


def _of(words: str) -> frozenset[str]:
    return frozenset(words.split())


PERSONS: Final[Mapping[str, frozenset[str]]] = {
    "i": _of("i me my mine i'm i've ich mich mir mein meine je moi mon ma mes yo mi mio mia io eu meu minha ik mijn"),
    "we": _of(
        "we us our ours we're we've wir uns unser unsere unseren unserem nous notre nos nosotros nuestro nuestra noi"
        " nostro nostra nós nosso nossa wij ons onze"
    ),
    "you": _of(
        "you your yours you're ihr euch euer eure du dich dir dein deine vous votre vos tu toi ton ta tes ti tuyo"
        " vosotros voi vostro vostra você vocês seu sua jullie jij je jouw"
    ),
}
_INFORMAL: Final = _of(
    "hey hi yeah cool wow awesome gonna wanna lol guys folks du dich dir dein deine euch eure tu toi ton tes te ti"
    " jij jou jouw jullie"
)
_FORMAL: Final = _of(
    "therefore furthermore regarding sincerely hereby shall vous votre vos usted ustedes lei loro senhor senhora u uw"
    " daher ferner bezüglich hiermit"
)
_FORMAL_GERMAN: Final = re.compile(r"(?<![.!?\u2026] )(?<!^)(?<!\n)\b(?:Sie|Ihnen|Ihr|Ihre|Ihren|Ihrem)\b")
_EVERYDAY: Final = frozenset().union(*COMMON.values(), *PERSONS.values())


def measured(text: str) -> dict[str, float]:
    """Each trait of one text; empty where it has no words."""
    bare = _LINK.sub(" ", text)
    words = _WORD.findall(bare)
    if not words:
        return {}
    per = 100 / len(words)
    lower = [each.casefold().replace("\u2019", "'") for each in words]
    sentences = max(1, sum(bool(_WORD.search(each)) for each in _END.split(bare)))
    found = {
        "sentence_words": len(words) / sentences,
        "word_letters": sum(map(len, words)) / len(words),
        "sentences": float(sentences),
        "paragraphs": float(sum(bool(each.strip()) for each in re.split(r"\n\s*\n", bare))),
        "emoji": len(_EMOJI.findall(bare)) * per,
        "exclamations": bare.count("!") * per,
        "questions": bare.count("?") * per,
        "dashes": len(_DASH.findall(bare)) * per,
        "ellipses": len(_ELLIPSIS.findall(bare)) * per,
        "capitals": sum(len(each) > 2 and each.isupper() for each in words) * per,
        "hashtags": float(len(_HASHTAG.findall(bare))),
        "formality": _formality(bare, lower),
    }
    return found | {name: sum(each in said for each in lower) * per for name, said in PERSONS.items()}


def profiled(texts: Sequence[str]) -> Profile:
    """How these texts are written, taken together."""
    counted = [each for each in map(measured, texts) if each]
    lower = [[word.casefold() for word in _WORD.findall(_LINK.sub(" ", text))] for text in texts]
    traits = {name: _trait([each[name] for each in counted]) for name in TRAITS} if counted else {}
    emoji = Counter(each for text in texts for each in _EMOJI.findall(text))
    return Profile(
        texts=len(counted),
        words=sum(map(len, lower)),
        traits=traits,
        vocabulary=tuple(_vocabulary(lower)),
        emoji=tuple(each for each, _ in emoji.most_common(8)),
        person=_person(traits),
        address=_address("\n".join(texts)),
    )


def words_of(text: str) -> frozenset[str]:
    """The words of a text that are not everyday ones."""
    return frozenset(word.casefold() for word in _WORD.findall(_LINK.sub(" ", text))) - _EVERYDAY


def has_word(text: str, word: str) -> bool:
    """Whether a word, or several, stand in a text: as words, in any case, whatever spaces are between."""
    spaced = r"\s+".join(map(re.escape, word.split()))
    return bool(spaced) and re.search(rf"(?<!\w){spaced}(?!\w)", text, re.IGNORECASE) is not None


def _trait(values: Sequence[float]) -> Trait:
    middle = sum(values) / len(values)
    return Trait(round(middle, 3), round(sum(abs(each - middle) for each in values) / len(values), 3))


def _vocabulary(texts: Sequence[Sequence[str]]) -> list[str]:
    """The words that most texts have, and then those said most; at least twice."""
    times = Counter(word for text in texts for word in text)
    within = Counter(word for text in texts for word in set(text))
    chosen = [word for word in times if times[word] > 1 and len(word) > 3 and word not in _EVERYDAY]
    return sorted(chosen, key=lambda word: (-within[word], -times[word], word))[:30]


def _person(traits: Mapping[str, Trait]) -> str:
    said = {name: traits[name].middle for name in PERSONS} if traits else {}
    name = max(said, key=lambda each: said[each], default="")
    return name if said.get(name, 0.0) >= 0.5 else "nobody"


def _formality(text: str, lower: Sequence[str]) -> float:
    """Fifty is neither; forms of address weigh most, then short forms, exclamations and emoji, then long words."""
    per = 100 / len(lower)
    formal = sum(each in _FORMAL for each in lower) + len(_FORMAL_GERMAN.findall(text))
    informal = sum(each in _INFORMAL for each in lower) + len(_SHORT.findall(text))
    loud = text.count("!") + len(_EMOJI.findall(text))
    letters = sum(map(len, lower)) / len(lower)
    return max(0.0, min(100.0, 50 + (4 * formal - 4 * informal - 2 * loud) * per + (letters - 5) * 8))


def _address(text: str) -> str:
    lower = [each.casefold() for each in _WORD.findall(text)]
    formal = len(_FORMAL_GERMAN.findall(text)) + sum(
        each in {"vous", "votre", "usted", "ustedes", "uw"} for each in lower
    )
    informal = sum(
        each in {"du", "dich", "dir", "dein", "deine", "euch", "eure", "toi", "ton", "jij", "jullie"}
        for each in lower
    )
    if max(formal, informal) < 2:
        return ""
    return "formal" if formal > informal else "informal"
