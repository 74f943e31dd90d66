"""A row becomes a person, or faults with their codes; pure, and quick for what is written as it should be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from inbox.attributes.errors import ValueRefused
from inbox.attributes.model import Attribute, Value
from inbox.channels.base import Identity
from inbox.imports.model import Fault, Options

LONGEST_NAME: Final = 200
_PLAIN_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_SPACING: Final = str.maketrans("", "", " \t\u00a0-().\u2010\u2011\u2013/")
_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}", re.ASCII
)
_LONGEST_EMAIL: Final = 254
_YES: Final = frozenset(["true", "yes", "y", "1", "ja", "j", "oui", "si", "sim", "x", "wahr", "vrai"])
_NO: Final = frozenset(["false", "no", "n", "0", "nein", "non", "nao", "falsch", "faux"])
_FIRST_DAY: Final = date(1899, 12, 30)
"""Day 0 of spreadsheets."""


@dataclass(frozen=True, slots=True)
class Person:
    """What one row says of somebody."""

    row: int
    name: str
    identities: Sequence[Identity] = field(repr=False)
    values: Sequence[tuple[Attribute, Value]] = field(repr=False)


def persons(
    rows: Sequence[Sequence[str]],
    first: int,
    options: Options,
    attributes: Mapping[str, Attribute],
    faults: list[Fault],
) -> Iterator[Person]:
    """The people of some rows, of which the first has this number; a row that is empty is nobody."""
    columns = [(each.column, *each.to.partition(":")[::2]) for each in options.columns]
    for number, cells in enumerate(rows, start=first):
        wanted = [(kind, key, cells[at].strip()) for at, kind, key in columns if at < len(cells)]
        if any(told for _, _, told in wanted):
            person = _person(number, wanted, options, attributes, faults)
            if person is not None:
                yield person


def _person(
    number: int,
    wanted: Sequence[tuple[str, str, str]],
    options: Options,
    attributes: Mapping[str, Attribute],
    faults: list[Fault],
) -> Person | None:
    name, identities, values = "", list[Identity](), list[tuple[Attribute, Value]]()
    for kind, key, told in wanted:
        if not told:
            continue
        if kind == "name" and len(told) <= LONGEST_NAME:
            name = told
        elif kind == "name":
            faults.append(Fault(number, "name", "name-too-long"))
        elif kind == "attribute":
            value = value_of(attributes[key], told)
            values += [(attributes[key], value)] if value is not None else []
            faults += [Fault(number, key, "bad-value")] if value is None else []
        else:
            known = _known_by(kind, told, options)
            identities += known
            faults += [] if known else [Fault(number, kind, f"bad-{kind}")]
    if not identities:
        faults.append(Fault(number, "", "no-identity"))
        return None
    return Person(number, name, identities, values)


def _known_by(kind: str, told: str, options: Options) -> list[Identity]:
    """The identities of a cell; none when it is no number or address."""
    if kind == "email":
        email = email_of(told)
        return [] if email is None else [Identity("email", email)]
    phone = phone_of(told, options.region)
    if phone is None:
        return []
    return [Identity("phone", phone), *([Identity("whatsapp_id", phone[1:])] if options.whatsapp else [])]


def phone_of(told: str, region: str) -> str | None:
    """A number as E.164 has it; None when it is none. One without a country's code is of the region."""
    bare = told.translate(_SPACING)
    if _PLAIN_PHONE.fullmatch(bare):
        return bare
    return _parsed(bare if len(bare) <= 32 else "", region)


def _parsed(told: str, region: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 - 30 MB that only imports need

    try:
        number = phonenumbers.parse(f"+{told[2:]}" if told.startswith("00") else told, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email_of(told: str) -> str | None:
    """An address as it is compared; None when it is none."""
    folded = told.casefold()
    if len(folded) > _LONGEST_EMAIL:
        return None
    if _PLAIN_EMAIL.fullmatch(folded):
        return folded
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - for the few that are unusual

    try:
        return validate_email(told, check_deliverability=False).normalized.casefold()
    except EmailNotValidError:
        return None


def value_of(attribute: Attribute, told: str) -> Value | None:
    """A cell as a value of an attribute; None when it is none."""
    value: Any = told
    match attribute.type:
        case "number":
            value = _number(told)
        case "checkbox":
            value = {True: told.casefold() in _YES, False: None}[told.casefold() in _YES | _NO]
        case "date" if told.isdigit() and len(told) <= 6:
            value = (_FIRST_DAY + timedelta(days=int(told))).isoformat()
        case "several":
            value = [each.strip() for each in re.split(r"[;,|]", told) if each.strip()]
    try:
        if value is not None:
            attribute.written(value)
    except ValueRefused:
        return None
    return value  # type: ignore[no-any-return]


def _number(told: str) -> float | None:
    bare = told.replace("\u00a0", "").replace(" ", "")
    if "," in bare:
        bare = bare.replace(".", "").replace(",", ".") if bare.rfind(",") > bare.rfind(".") else bare.replace(",", "")
    try:
        return float(bare)
    except ValueError:
        return None
