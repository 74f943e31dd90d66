from typing import Final

from kit.errors import Conflict, NotFound, TransientError

ACCOUNT_REFUSED: Final = "account-refused"
"""The code with which a platform says that what is to be connected is not in the account that was named."""


class ChannelNotFound(NotFound):
    """There is no such channel in this organization."""

    code = "channel-not-found"


class NumberTaken(Conflict):
    """This number is connected elsewhere on this platform; it must be disconnected there first."""

    code = "number-taken"


class NumberRefused(Conflict):
    """The platform does not let us use this with this token."""

    code = "number-refused"


class WhatsAppOff(Conflict):
    """WhatsApp is not set up on this installation."""

    code = "whatsapp-off"


class ChannelOff(Conflict):
    """This kind of channel is not set up on this installation."""

    code = "channel-off"


class NumberUnproven(TransientError):
    """The platform could not be asked just now."""

    code = "number-unproven"
