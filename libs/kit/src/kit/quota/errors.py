from kit.errors import Forbidden


class QuotaExhausted(Forbidden):
    """The plan of this organization includes no more of this; upgrade it, or wait for the next month."""

    code = "quota-exhausted"


class ReservationGone(LookupError):
    """There is no such reservation: it was settled or released before, or is another organization's."""
