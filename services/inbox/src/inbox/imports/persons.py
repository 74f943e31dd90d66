"""A row becomes a person, or faults with their codes; pure, and quick for what is written as it should be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from inbox.attributes.errors import ValueRefused
from inbox.attributes.model import Attribute, Value
from inbox.channels.base import IdentityKind
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
_FAULTY: Final = {
    "name": "name-too-long",
    "phone": "bad-phone",
    "email": "bad-email",
    "attribute": "bad-value",
}
_FIRST_DAY: Final = date(1899, 12, 30)
"""Day 0 of spreadsheets."""


class Person(NamedTuple):
    """What one row says of somebody: (kind, value) of what they are known by, and values of attributes."""

    row: int
    name: str
    identities: Sequence[tuple[IdentityKind, str]]
    values: Sequence[tuple[Attribute, Value]]


class _Column(NamedTuple):
    """One column: its cells, and what they mean; None where a cell means nothing that it could."""

    kind: str
    key: str
    attribute: Attribute | None
    told: Sequence[str]
    meant: Sequence[Any]


def persons(
    rows: Sequence[Sequence[str]],
    first: int,
    options: Options,
    attributes: Mapping[str, Attribute],
    faults: list[Fault],
) -> Iterator[Person]:
    """The people of some rows, of which the first has this number; a row that is empty is nobody.

    A row has the taken columns, in their order. Columns are read one after the other, then rows put together.
    """
    cells = zip(*rows, strict=True)
    columns = [
        _column(each.to, told, options, attributes) for each, told in zip(options.columns, cells, strict=False)
    ]
    for at in range(len(rows)):
        person = _person(first + at, at, columns, options, faults)
        if person is not None:
            yield person


def _column(to: str, cells: Sequence[str], options: Options, attributes: Mapping[str, Attribute]) -> _Column:
    kind, _, key = to.partition(":")
    told = [cell.strip() for cell in cells]
    match kind:
        case "name":
            return _Column(kind, kind, None, told, [each if len(each) <= LONGEST_NAME else None for each in told])
        case "phone":
            return _Column(
                kind, kind, None, told, [phone_of(each, options.region) if each else None for each in told]
            )
        case "email":
            return _Column(kind, kind, None, told, [email_of(each) if each else None for each in told])
    attribute = attributes[key]
    return _Column(kind, key, attribute, told, [value_of(attribute, each) if each else None for each in told])


def _person(number: int, at: int, columns: Sequence[_Column], options: Options, faults: list[Fault]) -> Person | None:
    name, identities, values, empty = "", list[tuple[IdentityKind, str]](), list[tuple[Attribute, Value]](), True
    for kind, key, attribute, told, meant in columns:
        if not told[at]:
            continue
        value, empty = meant[at], False
        if value is None:
            faults.append(Fault(number, key, _FAULTY[kind]))
        elif kind == "name":
            name = value
        elif attribute is not None:
            values.append((attribute, value))
        elif kind == "email":
            identities.append(("email", value))
        else:
            identities.append(("phone", value))
            if options.whatsapp:
                identities.append(("whatsapp_id", value[1:]))
    if identities:
        return Person(number, name, identities, values)
    if not empty:
        faults.append(Fault(number, "", "no-identity"))
    return None


def phone_of(told: str, region: str) -> str | None:
    """A number as E.164 has it; None when it is none. One without a country's code is of the region."""
    if _PLAIN_PHONE.fullmatch(told):
        return told
    bare = told.translate(_SPACING)
    if _PLAIN_PHONE.fullmatch(bare):
        return bare
    return _national(bare, region) or _parsed(bare if len(bare) <= 32 else "", region)


def _national(bare: str, region: str) -> str | None:
    """A number as it is usually written within its region, by the same patterns by which it would be parsed."""
    form = _form(region) if bare.startswith("0") and not bare.startswith("00") else None
    if form is None:
        return None
    national = bare[1:]
    for pattern, lengths in form.patterns:
        if len(national) in lengths and pattern.fullmatch(national):
            return f"{form.abroad}{national}"
    return None


class _Form(NamedTuple):
    """How numbers of a region are written in it, after a 0, and what stands before them elsewhere."""

    abroad: str
    patterns: Sequence[tuple[re.Pattern[str], frozenset[int]]]


@cache
def _form(region: str) -> _Form | None:
    import phonenumbers  # noqa: PLC0415 - 30 MB that only imports need

    found = phonenumbers.PhoneMetadata.metadata_for_region(region, None) if region else None
    if found is None or found.national_prefix != "0" or found.national_prefix_transform_rule:
        return None
    if found.national_prefix_for_parsing not in (None, "0"):
        return None
    patterns = [
        (re.compile(each.national_number_pattern or "(?!)", re.ASCII), frozenset(each.possible_length))
        for each in (found.mobile, found.fixed_line)
        if each is not None
    ]
    return _Form(f"+{found.country_code}", patterns)


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
