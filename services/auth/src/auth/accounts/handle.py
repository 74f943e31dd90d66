"""By what somebody says who they are: a mail address or a phone number."""

from dataclasses import dataclass, field

from auth.accounts.address import AddressDisposable, EmailAddress
from auth.accounts.phone import NumberRules, PhoneNumber

Handle = EmailAddress | PhoneNumber


@dataclass(frozen=True, slots=True)
class Handles:
    """Reads what was typed; what is refused here depends on it alone, and on nothing that we know of anybody."""

    numbers: NumberRules = field(default_factory=NumberRules)
    disposable: frozenset[str] = frozenset()

    def known(self, email: str | None, phone: str | None) -> Handle:
        """Who wants in; which may be anybody, also of a domain or country that we do not take new people from.

        Raises:
            AddressInvalid, NumberInvalid: it cannot be one.
        """
        if email is not None:
            return EmailAddress.parse(email)
        return PhoneNumber.parse(phone or "", self.numbers.region)

    def new(self, email: str | None, phone: str | None) -> Handle:
        """Under what somebody wants to be known, and where we write to.

        Raises:
            AddressInvalid, NumberInvalid: it cannot be one.
            AddressDisposable: of a domain whose mailboxes are thrown away.
            NumberNotServed: we write to no such number.
        """
        if email is None:
            return self.numbers.served(phone or "")
        address = EmailAddress.parse(email)
        labels = address.value.rpartition("@")[2].split(".")
        if self.disposable and any(".".join(labels[at:]) in self.disposable for at in range(len(labels))):
            raise AddressDisposable
        return address


def domains(lines: str) -> frozenset[str]:
    """The domains of a list, one per line; what follows # is a remark."""
    bare = (line.partition("#")[0].strip().lower() for line in lines.splitlines())
    return frozenset(each for each in bare if each)
