"""What a cell means: a number as E.164 has it, an address, a value; quick for what is as it should be.

`phones_of` and `emails_of` read a column at once and come to what `phone_of` and `email_of` come to for each cell.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from inbox.attributes.errors import ValueRefused
from inbox.attributes.model import Attribute, Value

_PLAIN_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_SPACING: Final = str.maketrans("", "", " \t\u00a0-().\u2010\u2011\u2013/")
_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}", re.ASCII
)
_LONGEST_EMAIL: Final = 254
_NEVER: Final = "(?!)"  # a pattern that nothing is like
_YES: Final = frozenset(["true", "yes", "y", "1", "ja", "j", "oui", "si", "sim", "x", "wahr", "vrai"])
_NO: Final = frozenset(["false", "no", "n", "0", "nein", "non", "nao", "falsch", "faux"])
_FIRST_DAY: Final = date(1899, 12, 30)
"""Day 0 of spreadsheets."""


def phones_of(told: Sequence[str], region: str) -> list[str | None]:
    """Numbers as E.164 has them, by place; None where there is none."""
    plain = _PLAIN_PHONE.fullmatch
    return [
        bare if plain(bare) else phone_of(cell, region) if cell else None
        for cell, bare in zip(told, _together(told, lambda text: text.translate(_SPACING)), strict=True)
    ]


def phone_of(told: str, region: str) -> str | None:
    """A number as E.164 has it; None when it is none. One without a country's code is of the region."""
    bare = told.translate(_SPACING)
    if _PLAIN_PHONE.fullmatch(bare):
        return bare
    return _national(bare, region) or _parsed(bare if len(bare) <= 32 else "", region)


def _together(told: Sequence[str], change: Callable[[str], str]) -> list[str]:
    """Change all cells in one go, which leaves line feeds as they are; cells that have some one by one."""
    changed = change("\n".join(told)).split("\n")
    return changed if len(changed) == len(told) else [change(cell) for cell in told]


class _Form(NamedTuple):
    """How numbers of a region are written in it: with a 0 before them, or without, or with the country's code."""

    code: str
    trunk: str
    general: re.Pattern[str]
    elsewhere: re.Pattern[str]
    """What stands before numbers of other countries."""
    prefix: re.Pattern[str]
    """What is taken away from before a number by whoever parses it."""
    kinds: Sequence[tuple[re.Pattern[str], frozenset[int]]]

    def fits(self, national: str) -> bool:
        """Whether this is a number of a usual kind."""
        return any(len(national) in lengths and pattern.fullmatch(national) for pattern, lengths in self.kinds)


def _national(bare: str, region: str) -> str | None:
    """A number as it is usually written within its region, by the same patterns by which it would be parsed."""
    form = _form(region)
    if form is None or form.elsewhere.match(bare):
        return None
    if form.trunk and bare.startswith(form.trunk):
        return f"+{form.code}{bare[1:]}" if form.fits(bare[1:]) else None
    if bare.startswith(form.code):
        bare = bare.removeprefix(form.code) if not form.general.fullmatch(bare) else ""
    return f"+{form.code}{bare}" if form.fits(bare) and not form.prefix.match(bare) else None


@cache
def _form(region: str) -> _Form | None:
    """Of regions that come first among those of their code; the others are left to the library."""
    import phonenumbers  # noqa: PLC0415 - 30 MB that only imports need

    found = phonenumbers.PhoneMetadata.metadata_for_region(region, None) if region else None
    if found is None or found.leading_digits or found.country_code is None or found.general_desc is None:
        return None
    if phonenumbers.region_code_for_country_code(found.country_code) != region:
        return None
    prefix, general = found.national_prefix_for_parsing or _NEVER, found.general_desc
    simple = found.national_prefix == "0" and not found.national_prefix_transform_rule and prefix in ("0", _NEVER)
    return _Form(
        str(found.country_code),
        "0" if simple else "",
        re.compile(general.national_number_pattern or _NEVER, re.ASCII),
        re.compile(f"00|{found.international_prefix or _NEVER}", re.ASCII),
        re.compile(prefix, re.ASCII),
        [
            (
                re.compile(each.national_number_pattern or _NEVER, re.ASCII),
                frozenset(each.possible_length or general.possible_length),
            )
            for each in (found.mobile, found.fixed_line)
            if each is not None
        ],
    )


def _parsed(told: str, region: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 - 30 MB that only imports need

    try:
        number = phonenumbers.parse(f"+{told[2:]}" if told.startswith("00") else told, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def emails_of(told: Sequence[str]) -> list[str | None]:
    """Addresses as they are compared, by place; None where there is none."""
    plain = _PLAIN_EMAIL.fullmatch
    return [
        folded if plain(folded) and len(folded) <= _LONGEST_EMAIL else email_of(cell) if cell else None
        for cell, folded in zip(told, _together(told, str.casefold), strict=True)
    ]


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
