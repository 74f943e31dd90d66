"""Words by which a contact says that they want no more texts, or want them again."""

from typing import Final, Literal

_STOP: Final = frozenset({"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_START: Final = frozenset({"START", "UNSTOP", "YES", "OPTIN"})
_HELP: Final = frozenset({"HELP", "INFO"})


def keyword(text: str) -> Literal["", "stop", "start", "help"]:
    """The keyword that a text is, as a whole; one that only holds such a word is none."""
    told = " ".join(text.upper().split()).strip(" .!\"'")
    for words, name in ((_STOP, "stop"), (_START, "start"), (_HELP, "help")):
        if told in words:
            return name  # type: ignore[return-value]
    return ""
