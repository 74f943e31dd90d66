from kit.errors import Conflict, TooManyRequests


class AddressTaken(Conflict):
    """This address or number belongs to another account by now."""

    code = "address-taken"


class LastAddress(Conflict):
    """Without a proven mail address the number is the only way to reach you; add one first."""

    code = "last-address"


class TooManyChanges(TooManyRequests):
    """Too many changes of addresses were asked for; wait a little."""

    code = "too-many-changes"
