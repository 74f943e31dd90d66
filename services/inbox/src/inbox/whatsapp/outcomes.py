"""What WhatsApp's error codes mean: which are a matter of time, of the account, of the contact, or of the message."""

from typing import Final

from inbox.channels.catalogue import Catalogue, Rule, same

_LATER: Final = Rule("pace", "too many messages", "Nothing: it is sent more slowly.", scope="lane")
_TOKEN: Final = Rule(
    "auth", "The access token is no longer good; connect it again.", "Connect the number again.", "lane"
)
_RESTRICTED: Final = Rule(
    "stop_sender",
    "WhatsApp has restricted this account; see its business manager.",
    "Solve it in Meta's business manager, then connect the number again.",
    "lane",
)
_TEMPLATE: Final = "Correct the template or its variables, and send it again."
_MESSAGE: Final = "Change the message and send it again."
_ELSEWHERE: Final = "Reach the contact in another way."


def _ours(plain: str, advice: str = _MESSAGE) -> Rule:
    return Rule("our_bug", plain, advice)


def _skip(plain: str, advice: str = _ELSEWHERE) -> Rule:
    return Rule("skip_recipient", plain, advice)


def _paused(plain: str) -> Rule:
    return Rule("stop_sender", plain, "Use another template until this one is in order again.")


def _nobody_knows(plain: str) -> Rule:
    return Rule("unknown", plain, "See whether it has arrived before you send it again.")


ERRORS: Final = Catalogue(
    "WhatsApp",
    {
        **same(_TOKEN, (0, 3, 10, 104, 190, 131005, *range(200, 300))),
        **same(_LATER, (4, 80007, 130429, 131057)),
        **same(_RESTRICTED, (368, 131031, 131037, 131042, 131045)),
        "131048": Rule(
            "stop_sender",
            "too many messages",
            "People have reported or blocked this number: write only to those who want it. It goes on after a while.",
            "lane",
            900.0,
        ),
        "131064": Rule(
            "stop_sender",
            "The business has written to as many new people as WhatsApp lets it within 24 hours.",
            "Nothing: it is tried again each hour for a day; who has written to you can be answered meanwhile.",
            pause=3600.0,
        ),
        "33": Rule(
            "stop_sender",
            "WhatsApp does not know this number any more.",
            "See in Meta's business manager whether it was deleted, then connect the number again.",
            "lane",
        ),
        "133010": Rule(
            "stop_sender",
            "The number is not registered for the Cloud API.",
            "Register it in Meta's business manager, then connect the number again.",
            "lane",
        ),
        "131056": Rule("pace", "too many messages to one contact", "Nothing: it is sent later.", "recipient"),
        **same(Rule("pace", "a passing fault", "Nothing: it is tried again."), (131016, 133004)),
        "132069": Rule("pace", "too many messages with this flow", "Nothing: it is sent later.", pause=60.0),
        **same(_nobody_knows("WhatsApp does not say why."), (1, 2, 131000)),
        "100": _ours("WhatsApp does not accept a part of this message."),
        "131008": _ours("WhatsApp misses a part of this message."),
        "131009": _ours("WhatsApp does not accept a part of this message."),
        "131021": _skip("Sender and recipient are the same number."),
        "131026": _skip("This contact cannot be reached on WhatsApp, or has not accepted its terms."),
        "131030": _skip("This number is not among those that a test account may write to."),
        "131047": _skip(
            "More than 24 hours have passed since the contact last wrote; a template is needed.",
            "Send a template, or let it wait until the contact writes.",
        ),
        "131049": _skip(
            "WhatsApp holds this message back, so that the contact is not written to too often. Wait at least a day.",
            "Wait at least a day.",
        ),
        "131050": _skip("The contact does not want marketing messages.", "Send them none."),
        "131051": _ours("WhatsApp does not know this kind of message."),
        "131052": _ours("The medium could not be fetched.", "Check that its address is public, and send it again."),
        "131053": _ours("The medium could not be taken in; check its kind and size."),
        "131062": _skip("A code to sign in needs the contact's phone number, and only their user id is known."),
        "131058": _ours("The template hello_world can only be sent by test numbers.", "Use a template of your own."),
        "130472": _skip("The contact is part of an experiment of WhatsApp and is not sent marketing messages."),
        "130497": _skip("WhatsApp does not allow this to be sent to the contact's country."),
        "132000": _ours("The number of the template's variables is wrong.", _TEMPLATE),
        "132001": _ours("There is no such template in this language, or it is not approved.", _TEMPLATE),
        "132005": _ours("The template with its variables is too long.", _TEMPLATE),
        "132007": _ours("The template breaks WhatsApp's rules.", _TEMPLATE),
        "132008": _ours("The template does not exist in this form.", _TEMPLATE),
        "132012": _ours("A variable of the template has the wrong form.", _TEMPLATE),
        "132018": _ours("What was given for a variable of the template is not allowed there.", _TEMPLATE),
        "132068": _paused("The flow that the template opens is blocked because of its quality."),
        "135000": _ours("WhatsApp does not accept this message and does not say why."),
        "132015": _paused("The template is paused because of its quality."),
        "132016": _paused("The template is disabled because of its quality."),
    },
    anything=_ours("WhatsApp has refused this message."),
)
