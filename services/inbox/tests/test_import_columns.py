"""A file read by columns, and decided by those who stand alone, comes to what it comes to row by row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.attributes.model import Attribute, Type
from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import spellings
from inbox.imports.cells import email_of, emails_of, phone_of, phones_of, value_of
from inbox.imports.deciding import Decided, Hashes, There, Wanted, decided, hashed
from inbox.imports.model import Fault, Mode, Options, Taken
from inbox.imports.persons import LONGEST_NAME, People, people
from inbox.whatsapp.numbers import may_vary

BLIND = Blind(b"b" * 32)
LONG = "N" * (LONGEST_NAME + 1)


def attribute(number: int, key: str, kind: Type, choices: Sequence[str] = ()) -> Attribute:
    return Attribute(UUID(int=number), "contact", key, key, kind, choices, False, 1, datetime(2026, 1, 1, tzinfo=UTC))


ATTRIBUTES = {
    each.key: each for each in (attribute(1, "orders", "number"), attribute(2, "tags", "several", ["a", "b", "c"]))
}
COLUMNS = [Taken(at, to) for at, to in enumerate(("name", "phone", "email", "attribute:orders", "attribute:tags"))]
CELLS = st.tuples(
    st.sampled_from(["", "Ann", " Bob ", LONG, "C\nd"]),
    st.sampled_from(
        [
            *("", "+491701234567", "0170 1234567", "1701234567", "+55 11 98765-4321", "551187654321", "12"),
            *("+551187654321", "x", "+1 202 555 0123", "\n", "+52 1 55 1234 5678", "+525512345678", "00491701234567"),
        ]
    ),
    st.sampled_from(["", "A@B.example", "a@b.example", "nobody", "ü@b.example", "ß@example.com", "c@d.example\n"]),
    st.sampled_from(["", "1", "1.234,5", "many"]),
    st.sampled_from(["", "a", "a;b", "a|x", "a,a"]),
)
Row = tuple[str, str, str, str, str]
Pairs = list[tuple[str, str]]


def told_of(cells: Row, options: Options) -> tuple[str, Pairs, dict[UUID, Any], Pairs]:
    """What one row says: name, identities, values, and its faults by field."""
    name, phone, email, orders, tags = (each.strip() for each in cells)
    faults, known, values = Pairs(), Pairs(), dict[UUID, Any]()
    if len(name) > LONGEST_NAME:
        faults.append(("name", "name-too-long"))
    number, address = phone_of(phone, options.region) if phone else "", email_of(email) if email else ""
    if number:
        known += [("phone", number), ("whatsapp_id", number[1:])] if options.whatsapp else [("phone", number)]
    elif number is None:
        faults.append(("phone", "bad-phone"))
    if address:
        known.append(("email", address))
    elif address is None:
        faults.append(("email", "bad-email"))
    for key, cell in (("orders", orders), ("tags", tags)):
        value = value_of(ATTRIBUTES[key], cell) if cell else None
        if value is not None:
            values[ATTRIBUTES[key].id] = value
        elif cell:
            faults.append((key, "bad-value"))
    if not known and any((name, phone, email, orders, tags)):
        faults.append(("", "no-identity"))
    return ("" if len(name) > LONGEST_NAME else name), known, values, faults


def keys_of(kind: Any, value: str) -> list[tuple[str, bytes]]:
    return [(kind, BLIND(kind, each)) for each in spellings(kind, value)]


class RowByRow:
    """The rules as they are told: each row after the other, whoever it belongs to."""

    def __init__(self, mode: Mode, held: Mapping[tuple[str, bytes], UUID], earlier: set[UUID]) -> None:
        self.mode, self.held, self.earlier = mode, held, earlier
        self.here: dict[tuple[str, bytes], Any] = {}
        self.contacts: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.counts = Counter[str]()

    def take(self, row: int, cells: Row, options: Options) -> None:
        name, known, values, faults = told_of(cells, options)
        self.faults += [Fault(row, where, code) for where, code in faults]
        self.counts["faulty"] += ("", "no-identity") in faults
        if not known:
            return
        spelled = {(kind, value): keys_of(kind, value) for kind, value in known}
        leads = [self.leads(key) for keys in spelled.values() for key in keys]
        found = list({id(one): one for one in leads if one is not None}.values())
        if len(found) > 1:
            self.faults.append(Fault(row, "", "several-contacts"))
            self.counts["faulty"] += 1
            return
        contact = found[0] if found else None
        repeated = contact is not None and (contact["told"] or contact["id"] in self.earlier)
        if repeated:
            self.faults.append(Fault(row, "", "repeated"))
        if contact is not None and self.mode == "skip":
            self.counts["unchanged"] += 1
            return
        self.counts["made" if contact is None else "unchanged" if repeated else "changed"] += 1
        if contact is None:
            contact = {"id": None, "told": False, "name": "", "values": {}, "known": {}}
            self.contacts.append(contact)
        contact["told"] = True
        fill = self.mode == "fill"
        contact["name"] = contact["name"] if not name or (fill and contact["name"]) else name
        contact["values"] = values | contact["values"] if fill else contact["values"] | values
        for (_, value), keys in spelled.items():
            if not any(key in self.held for key in keys):
                contact["known"][keys[0]] = value
            self.here |= dict.fromkeys(keys, contact)

    def leads(self, key: tuple[str, bytes]) -> dict[str, Any] | None:
        if key in self.here:
            return self.here[key]  # type: ignore[no-any-return]
        if key not in self.held:
            return None
        there = next((each for each in self.contacts if each["id"] == self.held[key]), None)
        if there is None:
            there = {"id": self.held[key], "told": False, "name": "", "values": {}, "known": {}}
            self.contacts.append(there)
        return there


def contacts_of(told: People, hashes: Sequence[Hashes], found: Decided) -> list[dict[str, Any]]:
    """Who is new, in the order of their rows."""
    made = {
        at: {
            "name": told.names[at] or "",
            "values": {each.id: value for each, column in told.values if (value := column[at]) is not None},
            "known": {
                (kind, each.own[at]): value
                for (kind, column), each in zip(told.known, hashes, strict=True)
                if (value := column[at]) is not None
            },
        }
        for at in found.alone
    }
    made |= {each.at: {"name": each.name, "values": values_in(each), "known": each.fresh} for each in found.new}
    return [made[at] for at in sorted(made)]


def values_in(wanted: Wanted) -> dict[UUID, Any]:
    return {one: value for one, (_, value) in wanted.values.items()}


@given(
    rows=st.lists(CELLS, min_size=1, max_size=12),
    mode=st.sampled_from(["skip", "overwrite", "fill"]),
    whatsapp=st.booleans(),
    known=st.dictionaries(
        st.sampled_from(
            [
                *(("phone", "+491701234567"), ("phone", "+5511987654321"), ("phone", "+12025550123")),
                *(("email", "a@b.example"), ("whatsapp_id", "551187654321")),
            ]
        ),
        st.sampled_from([UUID(int=7), UUID(int=8)]),
    ),
    earlier=st.sets(st.just(UUID(int=7))),
)
def test_columns_come_to_what_rows_come_to(
    rows: list[Row],
    mode: Mode,
    whatsapp: bool,
    known: dict[tuple[str, str], UUID],
    earlier: set[UUID],
) -> None:
    options = Options(COLUMNS, mode, "DE", False, whatsapp)
    held = {(kind, BLIND(kind, value)): contact for (kind, value), contact in known.items()}
    slowly = RowByRow(mode, held, earlier)
    for at, cells in enumerate(rows, start=3):
        slowly.take(at, cells, options)
    faults = list[Fault]()
    told = people(options.taking(iter(rows)), 3, options, ATTRIBUTES, faults)
    nobody = Counter(faulty=sum(each.code == "no-identity" for each in faults))
    hashes = hashed(told, BLIND)
    found = decided(told, hashes, There({blinded: contact for (_, blinded), contact in held.items()}, earlier), mode)
    by_row = [(each.row, each.field, each.code) for each in (*faults, *found.faults)]
    assert sorted(by_row) == sorted((each.row, each.field, each.code) for each in slowly.faults)
    assert found.counts + nobody == +slowly.counts
    expected = [each for each in slowly.contacts if each.pop("told") or each["id"] is None]
    assert contacts_of(told, hashes, found) == [
        {key: value for key, value in each.items() if key != "id"} for each in expected if each["id"] is None
    ]
    assert {
        contact_id: {
            "id": contact_id,
            "name": each.name,
            "values": values_in(each),
            "known": each.fresh,
        }
        for contact_id, each in found.touched.items()
    } == {each["id"]: each for each in expected if each["id"] is not None}


REGIONS = [
    *("", "DE", "GB", "FR", "NL", "AT", "AU", "ZA", "IN", "SE", "CH", "TR", "BR", "IT", "US", "CA", "ES", "MX"),
    *("AR", "PT", "PL", "JP", "KR", "KZ", "RU", "GG", "ID", "NG", "SG", "AE", "HU", "CL", "CO", "DK"),
]
NUMBERS = st.from_regex(r"\A(\+|00|0|)[0-9]{1,4}[ ()./-]?[0-9]{2,11}\Z") | st.text(max_size=20)


def slowly(told: str, region: str) -> str | None:
    """A number by the library alone."""
    try:
        number = phonenumbers.parse(f"+{told[2:]}" if told.startswith("00") else told, region or None)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None


@pytest.mark.parametrize("region", REGIONS)
@given(told=st.lists(NUMBERS, max_size=6))
def test_numbers_of_a_column_are_those_of_its_cells(region: str, told: list[str]) -> None:
    assert phones_of(told, region) == [phone_of(each, region) if each else None for each in told]


@pytest.mark.parametrize("region", REGIONS)
@given(told=st.from_regex(r"\A[0-9]{5,13}\Z"))
def test_digits_are_what_the_library_makes_of_them(region: str, told: str) -> None:
    assert phone_of(told, region) == slowly(told, region)


@pytest.mark.parametrize("region", REGIONS[1:])
@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
def test_numbers_of_a_region_are_known_with_and_without_what_stands_before_them(region: str, kind: int) -> None:
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    national = phonenumbers.national_significant_number(example)
    for written in (national, f"{example.country_code}{national}", f"0{national}", f"1{national}", f"8{national}"):
        assert phone_of(written, region) == slowly(written, region), written


@given(told=st.lists(st.emails() | st.text(max_size=20) | st.sampled_from(["", "A@B.example", "ß@x.example"])))
def test_addresses_of_a_column_are_those_of_its_cells(told: list[str]) -> None:
    assert emails_of(told) == [email_of(each) if each else None for each in told]


@given(st.lists(st.none() | st.text(max_size=80)))
def test_hashes_of_a_column_are_those_of_its_values(values: list[str | None]) -> None:
    assert BLIND.each("phone", values) == [b"" if each is None else BLIND("phone", each) for each in values]


@given(digits=st.from_regex(r"\A(52|54|55|49|1)[0-9]{4,12}\Z"), kind=st.sampled_from(["phone", "whatsapp_id"]))
def test_whatever_is_spelled_otherwise_may_be(digits: str, kind: Any) -> None:
    value = f"+{digits}" if kind == "phone" else digits
    assert may_vary(value) or spellings(kind, value) == (value,)
