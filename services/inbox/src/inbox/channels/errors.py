from kit.errors import Conflict, NotFound, TransientError


class ChannelNotFound(NotFound):
    """There is no such channel in this organization."""

    code = "channel-not-found"


class NumberTaken(Conflict):
    """This number is connected elsewhere on this platform; it must be disconnected there first."""

    code = "number-taken"


class NumberRefused(Conflict):
    """WhatsApp does not let us use this number with this token."""

    code = "number-refused"


class WhatsAppOff(Conflict):
    """WhatsApp is not set up on this installation."""

    code = "whatsapp-off"


class NumberUnproven(TransientError):
    """WhatsApp could not be asked about this number just now."""

    code = "number-unproven"
