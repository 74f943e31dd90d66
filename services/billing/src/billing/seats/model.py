from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seats:
    """Seats as they are paid for and taken; removing a member frees a seat and lowers no bill.

    `allowed` is what the plan in force gives, None without limit; `billed` are those bought beside the included ones,
    `taken` are members.
    """

    allowed: int | None
    billed: int
    taken: int

    @property
    def free(self) -> int | None:
        """How many members may still be added; none while more are taken than allowed, as after a downgrade."""
        return None if self.allowed is None else max(self.allowed - self.taken, 0)

    @property
    def unused_billed(self) -> int:
        """How many seats could be given up at the next change of the subscription without anybody losing theirs."""
        return self.billed if self.allowed is None else min(self.billed, max(self.allowed - self.taken, 0))
