"""Phone numbers: E.164, and which of them we write to."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from kit.errors import FieldError, Invalid

_NETWORK_DIGITS: Final = 4
_TYPES: Final = {
    "premium": PhoneNumberType.PREMIUM_RATE,
    "shared_cost": PhoneNumberType.SHARED_COST,
    "toll_free": PhoneNumberType.TOLL_FREE,
    "voip": PhoneNumberType.VOIP,
    "personal": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "uan": PhoneNumberType.UAN,
    "voicemail": PhoneNumberType.VOICEMAIL,
    "fixed_line": PhoneNumberType.FIXED_LINE,
}
NUMBER_TYPES: Final = frozenset(_TYPES)


class NumberInvalid(Invalid):
    """This is not a valid phone number; write it with + and the country's code."""

    code = "number-invalid"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/phone", self.title())])


class NumberNotServed(Invalid):
    """We cannot send text messages to numbers of this country or kind."""

    code = "number-not-served"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/phone", self.title())])


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number in E.164; two of the same `value` are the same phone to us."""

    kind: ClassVar[str] = "phone"

    value: str
    network: str
    """The country's code and the first digits after it: numbers that a fraudster rents together begin alike."""
    country: str
    type: int

    @classmethod
    def parse(cls, text: str, region: str | None = None) -> Self:
        """Read a number; one without + is of the region.

        Raises:
            NumberInvalid: there can be no such number.
        """
        try:
            found = phonenumbers.parse(text, region)
        except NumberParseException as error:
            raise NumberInvalid from error
        if found.extension or not phonenumbers.is_valid_number(found):
            raise NumberInvalid
        national = phonenumbers.national_significant_number(found)
        return cls(
            value=phonenumbers.format_number(found, PhoneNumberFormat.E164),
            network=f"+{found.country_code}{national[:_NETWORK_DIGITS]}",
            country=phonenumbers.region_code_for_number(found) or "",
            type=phonenumbers.number_type(found),
        )

    @property
    def display(self) -> str:
        """As it is shown: the same."""
        return self.value


@dataclass(frozen=True, slots=True)
class NumberRules:
    """Which numbers we write to; it depends on the number alone, so that the answer tells nothing of anybody."""

    region: str | None = None
    countries: AbstractSet[str] = frozenset()
    refused: AbstractSet[str] = frozenset()
    open: bool = False
    """Whether there is a provider at all."""

    def served(self, text: str) -> PhoneNumber:
        """The number, if we write to it.

        Raises:
            NumberInvalid: there can be no such number.
            NumberNotServed: not to this country or this kind of number.
        """
        number = PhoneNumber.parse(text, self.region)
        countries = self.countries or {number.country}
        if not self.open or number.country not in countries or number.type in {_TYPES[each] for each in self.refused}:
            raise NumberNotServed
        return number
