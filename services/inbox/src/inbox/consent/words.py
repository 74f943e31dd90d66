"""Words by which a contact says that they want no more messages, or want them again, in several languages.

Carriers prescribe the English ones for texts (CTIA messaging principles, section 5.1.3; Telnyx acts on them itself).
The others are what people write: one word alone, never a word within a sentence.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Word = Literal["", "stop", "start", "help"]

_STOP: Final = "STOP|STOPALL|STOP ALL|UNSUBSCRIBE|OPTOUT|OPT OUT|OPT-OUT|REVOKE"
_STOP_ABROAD: Final = (
    "STOPP|ABMELDEN|ABBESTELLEN|AUSTRAGEN"  # German
    "|ARRET|ARRETER|DESABONNER|DESINSCRIRE"  # French
    "|BAJA|PARAR|DETENER|CANCELAR SUSCRIPCION|DARSE DE BAJA"  # Spanish
    "|SAIR|DESCADASTRAR|CANCELAR INSCRICAO"  # Portuguese
    "|ANNULLA ISCRIZIONE|DISISCRIVI|CANCELLAMI"  # Italian
    "|AFMELDEN|UITSCHRIJVEN"  # Dutch
    "|AVSLUTA|AVREGISTRERA|AFMELD|STOPPE"  # Swedish, Danish, Norwegian
    "|WYPISZ|REZYGNUJE"  # Polish
    "|СТОП|ОТПИСАТЬСЯ|ОТПИСКА|ВІДПИСАТИСЯ"  # Russian, Ukrainian
    "|DURDUR|IPTAL|ABONELIKTEN CIK"  # Turkish
    "|BERHENTI"  # Indonesian, Malay
    "|توقف|إلغاء|الغاء|إيقاف"  # Arabic
    "|עצור|הסר|הסרה"  # Hebrew
    "|बंद|रोकें"  # Hindi
    "|停止|退订|退訂|取消订阅|配信停止|解除"  # Chinese, Japanese
    "|수신거부|중지"  # Korean
)
_START: Final = "START|UNSTOP|OPTIN|OPT IN|OPT-IN"
_START_ABROAD: Final = (
    "ANMELDEN|REPRENDRE|ALTA|REANUDAR|VOLTAR|RIPRENDI|AANMELDEN|BASLAT|MULAI|ابدأ|התחל|शुरू|开始|開始|시작"
    "|СТАРТ"  # noqa: RUF001 - Russian
)
_BY_CARRIERS: Final[Mapping[str, Word]] = MappingProxyType(
    {"CANCEL": "stop", "END": "stop", "QUIT": "stop", "YES": "start", "HELP": "help", "INFO": "help"}
)
"""What counts in a text message alone: elsewhere people answer questions with these."""


_ACCENTS: Final = frozenset(map(chr, range(0x300, 0x370)))
_DOTLESS: Final = "\u0131"
_AROUND: Final = " .!\"'\u00a1\u3002"


def _spelled(word: str) -> str:
    """Without accents, dots around it and case, as people type; one blank between words."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(char for char in apart if char not in _ACCENTS)
    return " ".join(bare.replace(_DOTLESS, "i").split()).strip(_AROUND)


_WORDS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        **{_spelled(each): "stop" for each in f"{_STOP}|{_STOP_ABROAD}".split("|")},
        **{_spelled(each): "start" for each in f"{_START}|{_START_ABROAD}".split("|")},
    }
)
_OF_TEXTS: Final[Mapping[str, Word]] = MappingProxyType(
    {**_WORDS, **{_spelled(each): word for each, word in _BY_CARRIERS.items()}}
)
_LONGEST: Final = 60


def keyword(text: str) -> Word:
    """The keyword that a text message is, as a whole; one that only holds such a word is none."""
    return _OF_TEXTS.get(_spelled(text), "") if len(text) <= _LONGEST else ""


def wish(text: str) -> Word:
    """What a message on any other channel wishes: STOP or START, in whichever language, and nothing else."""
    return _WORDS.get(_spelled(text), "") if len(text) <= _LONGEST else ""
