"""Emoji as one sign each: the sequences that Unicode recommends for interchange, and no others.

A sequence that is not among them is shown as several pictures, and counted so.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

import regex

ZWJ: Final = "\u200d"

_PEOPLE: Final = "👨👩🧑"
_ROLES: Final = "⚕⚖✈🌾🍳🍼🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦼🦽🦰🦱🦲🦳"
_GENDERED: Final = "⛹🏃🏄🏊🏋🏌👮👰👱👳👷💁💂💆💇🕵🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤵🤷🤸🤹🤽🤾🦸🦹🧍🧎🧏🧔🧖🧗🧘🧙🧚🧛🧜🧝"
_GENDERED_BARE: Final = "👯🤼🧞🧟"
_FAMILIES: Final = (
    "👨👦 👨👦👦 👨👧 👨👧👦 👨👧👧 👨👨👦 👨👨👦👦 👨👨👧 👨👨👧👦 👨👨👧👧 👨👩👦 "
    "👨👩👦👦 👨👩👧 👨👩👧👦 👨👩👧👧 👩👦 👩👦👦 👩👧 👩👧👦 👩👧👧 👩👩👦 👩👩👦👦 "
    "👩👩👧 👩👩👧👦 👩👩👧👧 🧑🧑🧒 🧑🧑🧒🧒 🧑🧒 🧑🧒🧒"
)
_OTHERS: Final = "❤🔥 ❤🩹 🏳🌈 🏳⚧ 🏴☠ 🐈⬛ 🐕🦺 🐦⬛ 🐦🔥 🐻❄ 👁🗨 😮💨 😵💫 😶🌫 🍄🟫 🍋🟩 ⛓💥 🙂↔ 🙂↕ 🧑🎄"
_FLAGS: Final = (
    "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS "
    "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU CV CW CX CY CZ DE DG DJ DK DM DO DZ "
    "EA EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW "
    "GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ "
    "LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY "
    "MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU "
    "RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN "
    "TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
_NATIONS: Final = "gbeng gbsct gbwls"
_MOST_JOINED: Final = 4
_REGIONAL_A: Final = 0x1F1E6
_TAG_A: Final = 0xE0061
_END_OF_TAGS: Final = "\U000e007f"

_SHAPE: Final = regex.compile(
    r"(?P<flag>\p{RI})"
    r"|[0-9#*]\ufe0f?\u20e3"
    r"|🏴(?P<tags>[\U000e0061-\U000e007a]+\U000e007f)"
    r"|(?P<first>[\p{Emoji}--[0-9#*©®™♟\p{RI}]](?:\p{EMod}|\ufe0f|(?!\ufe0e))|[©®™♟]\ufe0f)"
    r"(?P<joined>(?:\u200d\p{Emoji}(?:\p{EMod}|\ufe0f)?)*)",
    regex.V1,
)
_BASE: Final = regex.compile(r"\p{EBase}")
_TONE: Final = regex.compile(r"\p{EMod}")
_PLAIN: Final = frozenset(ZWJ.join(each) for each in (*_FAMILIES.split(), *_OTHERS.split())) | frozenset(
    f"{one}{ZWJ}{sex}" for one, sex in product(_GENDERED_BARE, "♀♂")
)
"""Sequences in which no tone of skin is allowed, without the sign for emoji presentation."""
_TONED: Final = frozenset(
    {
        *(f"{one}{ZWJ}❤{ZWJ}{other}" for one, other in product(_PEOPLE, _PEOPLE)),
        *(f"{one}{ZWJ}❤{ZWJ}💋{ZWJ}{other}" for one, other in product(_PEOPLE, _PEOPLE)),
        *(f"{one}{ZWJ}🤝{ZWJ}{other}" for one, other in product(_PEOPLE, _PEOPLE)),
        *(f"{one}{ZWJ}{role}" for one, role in product(_PEOPLE, _ROLES)),
        *(f"{one}{ZWJ}{role}{ZWJ}➡" for one, role in product(_PEOPLE, "🦯🦼🦽")),
        *(f"{one}{ZWJ}{sex}" for one, sex in product(_GENDERED, "♀♂")),
        *(f"{one}{ZWJ}{sex}{ZWJ}➡" for one, sex in product("🏃🚶🧎", "♀♂")),
        *(f"{one}{ZWJ}➡" for one in "🏃🚶🧎"),
        f"🧑{ZWJ}🎄",
        f"🫱{ZWJ}🫲",
    }
)
_FLAG_PAIRS: Final = frozenset(
    "".join(chr(_REGIONAL_A + ord(letter) - ord("A")) for letter in code) for code in _FLAGS.split()
)
_NATION_TAGS: Final = frozenset(
    "".join(chr(_TAG_A + ord(letter) - ord("a")) for letter in code) + _END_OF_TAGS for code in _NATIONS.split()
)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each emoji begins and ends, in code points."""
    at = 0
    while found := _SHAPE.search(text, at):
        at = found.start() + _length(text, found)
        yield found.start(), at


def _length(text: str, found: "regex.Match[str]") -> int:
    """How many code points of what looks like an emoji are one."""
    start = found.start()
    if found["flag"]:
        return 2 if text[start : start + 2] in _FLAG_PAIRS else 1
    if found["tags"]:
        return len(found.group()) if found["tags"] in _NATION_TAGS else 1
    if not found["first"]:
        return len(found.group())
    first = found["first"]
    if len(first) == 2 and _TONE.match(first[1]) and not _BASE.match(first[0]):
        return 1
    return _joined(found.group(), len(first)) if found["joined"] else len(first)


def _joined(text: str, alone: int) -> int:
    """The length of the longest sequence at the beginning of a chain; `alone` is that of its first sign."""
    signs = text.split(ZWJ)[:_MOST_JOINED]
    for taken in range(len(signs), 1, -1):
        whole = ZWJ.join(signs[:taken])
        bare = whole.replace("\ufe0f", "")
        if bare in _PLAIN or _TONE.sub("", bare) in _TONED:
            return len(whole)
    return alone
