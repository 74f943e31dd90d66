from kit.errors import Conflict, Invalid


class PasskeyRefused(Invalid):
    """This passkey cannot be added: ask for a new challenge and try again."""

    code = "passkey-refused"


class PasskeyKnown(Conflict):
    """This passkey is in use already."""

    code = "passkey-known"
