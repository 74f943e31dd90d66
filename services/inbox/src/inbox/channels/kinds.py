"""The kinds of channels there are: one line each."""

from collections.abc import Mapping
from typing import Final

from inbox.channels.base import Capabilities, Window
from inbox.channels.catalogue import Catalogue
from inbox.chat import outcomes as chat_outcomes
from inbox.chat import platform as chat
from inbox.direct import outcomes as direct_outcomes
from inbox.direct import platform as direct
from inbox.forms import outcomes as form_outcomes
from inbox.forms import platform as forms
from inbox.telnyx import outcomes as telnyx_outcomes
from inbox.telnyx import platform as telnyx
from inbox.whatsapp import outcomes as whatsapp_outcomes
from inbox.whatsapp import platform as whatsapp

KINDS: Final[Mapping[str, tuple[Capabilities, Catalogue]]] = {
    "whatsapp": (whatsapp.CAPABILITIES, whatsapp_outcomes.ERRORS),
    **{kind: (can, direct_outcomes.ERRORS) for kind, can in direct.CAPABILITIES.items()},
    "sms": (telnyx.CAPABILITIES, telnyx_outcomes.ERRORS),
    chat.WEB_CHAT: (chat.CAPABILITIES, chat_outcomes.ERRORS),
    forms.CONTACT_FORM: (forms.CAPABILITIES, form_outcomes.ERRORS),
}


def window_of(kind: str) -> Window:
    """When a contact may be written to on channels of this kind."""
    return KINDS[kind][0].window
