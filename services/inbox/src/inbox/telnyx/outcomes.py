"""What Telnyx's error codes mean, of calls and of reports."""

from typing import Final

import orjson

from inbox.channels.catalogue import Catalogue, Rule, same
from kit.http.client import Answer

_TOKEN: Final = Rule(
    "auth", "The API key is no longer good; connect the number again.", "Connect the number again.", "lane"
)
_WAIT: Final = Rule("pace", "too many messages", "Nothing: it is sent more slowly.", "lane")
_ACCOUNT: Final = Rule(
    "stop_sender",
    "Telnyx does not let this account or number send; see its portal.",
    "Solve it in Telnyx's portal, then connect the number again.",
    "lane",
)
_NOBODY: Final = Rule("skip_recipient", "This number cannot get texts.", "Reach the contact in another way.")
_STOPPED: Final = Rule("skip_recipient", "The contact does not want messages on this channel.", "Send them none.")
_SPAM: Final = Rule(
    "skip_recipient", "The carrier has held this message back as unwanted.", "Change the words, or write less often."
)
_WRONG: Final = Rule(
    "our_bug", "Telnyx does not accept a part of this message.", "Change the message and send it again."
)

_BARRED: Final = Rule(
    "stop_sender",
    "Carriers have barred the number that this was sent from.",
    "Send from another number, and ask Telnyx's support about this one.",
)
_LATER: Final = Rule("skip_recipient", "The number is switched off or out of reach.", "Try again later.")
_UNSURE: Final = Rule("unknown", "Telnyx does not say why.", "See whether it has arrived before you send it again.")

ERRORS: Final = Catalogue(
    "Telnyx",
    {
        **same(_TOKEN, ("10009", "10010")),
        **same(_WAIT, ("10011", "40011", "40014", "40018")),
        **same(_ACCOUNT, ("10001", "10038", "20012", "20013", "20100", "40013", "40305", "40312", "40322", "40330")),
        **same(_BARRED, ("40003",)),
        **same(_NOBODY, ("10002", "40001", "40004", "40008", "40012", "40310")),
        **same(_LATER, ("40005", "40006", "40007")),
        **same(_STOPPED, ("40300",)),
        **same(_SPAM, ("40002", "40010", "40016")),
        **same(_WRONG, ("10003", "10004", "10015", "10016", "40009", "40302", "40316", "40317", "40320")),
        **same(_UNSURE, ("10007", "10008")),
        "40015": Rule("skip_recipient", "The carrier does not take texts for this number.", "Reach them elsewhere."),
    },
    anything=Rule("our_bug", "Telnyx has refused this message.", "Change the message and send it again."),
)


def code_of(answer: Answer) -> str:
    """The code of the first error."""
    try:
        code = orjson.loads(answer.body)["errors"][0]["code"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return ""
    return code if isinstance(code, str) else str(code) if isinstance(code, int) else ""
