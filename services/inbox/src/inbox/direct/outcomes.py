"""What the error codes of Messenger's and Instagram's Send API mean; a subcode may say more than its code."""

from typing import Final

import orjson

from inbox.channels.catalogue import Catalogue, Rule, same
from kit.http.client import Answer

_WAIT: Final = Rule("pace", "too many messages", "Nothing: it is sent more slowly.", "lane")
_TOKEN: Final = Rule(
    "auth", "The access token is no longer good; connect it again.", "Connect the channel again.", "lane"
)
_WINDOW: Final = Rule(
    "skip_recipient",
    "The contact has not written for too long to be answered.",
    "Answer as a person with the tag human_agent within seven days, or let it wait until they write.",
)
_AWAY: Final = Rule(
    "skip_recipient",
    "This person cannot be reached, or has blocked the conversation.",
    "Reach the contact elsewhere.",
)
_MEDIUM: Final = Rule(
    "our_bug", "The medium could not be taken in.", "Check that its address is public and its size."
)
ERRORS: Final = Catalogue(
    "Meta",
    {
        **same(_TOKEN, (0, 3, 10, 102, 104, 190, *range(200, 300))),
        **same(_WAIT, (4, 17, 32, 341, 613, 80001, 80002, 80006)),
        **same(_WINDOW, ("10/2018278", "10/2018065", "10/2534022", "100/2018278")),
        **same(_AWAY, ("551", "100/2018001", "200/1545041", "200/2018108", "551/1545041", "100/2534014")),
        **same(_MEDIUM, ("100/2018047", "100/2018007", "100/2018008", "100/2018109")),
        "200/2018028": Rule(
            "skip_recipient",
            "An app that Meta has not approved may only write to its own team.",
            "Have the app approved for messages in Meta's dashboard.",
        ),
        "506": Rule("our_bug", "Meta takes this for a repetition of a message.", "Change the words."),
        "1200": Rule("pace", "a passing fault", "Nothing: it is tried again."),
        **same(
            Rule("unknown", "Meta does not say why.", "See whether it has arrived before you send it again."),
            (-1, 1, 2),
        ),
        "368": Rule(
            "stop_sender",
            "Meta has restricted this account; see its support inbox.",
            "Solve it in Meta's business manager, then connect the channel again.",
            "lane",
        ),
        "100": Rule(
            "our_bug", "Meta does not accept a part of this message.", "Change the message and send it again."
        ),
    },
    anything=Rule("our_bug", "Meta has refused this message.", "Change the message and send it again."),
)


def code_of(answer: Answer) -> str:
    """Code and subcode where both together are known to mean something, else the code alone."""
    try:
        error = orjson.loads(answer.body)["error"]
        code, subcode = error["code"], error.get("error_subcode")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return ""
    if not isinstance(code, int):
        return ""
    both = f"{code}/{subcode}"
    return both if both in ERRORS.rules else str(code)
