"""Which column is what, guessed from its heading and from what stands in it."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final

from inbox.attributes.model import Attribute

_LOOKS: Final = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "phone": re.compile(r"(\+|00)?[0-9][0-9 ()./-]{6,18}"),
}


def folded(heading: str) -> str:
    """A heading as it is compared."""
    apart = unicodedata.normalize("NFKD", heading.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", "".join(c for c in apart if not unicodedata.combining(c))).split())


_KNOWN: Final = {
    "name": frozenset(
        {"name", "full name", "fullname", "contact", "contact name", "nom", "nombre", "nome", "naam", "namn", "imie"}
        | {"client", "customer", "kunde", "display name"}
    ),
    "phone": frozenset(
        [
            "phone",
            "mobile",
            "tel",
            "telephone",
            "telefon",
            "telefonnummer",
            "handy",
            "mobil",
            "mobilnummer",
            "telefono",
            "movil",
            "celular",
            "telemovel",
            "telefone",
            "numero",
            "whatsapp",
            "number",
            "cell",
            "gsm",
            "telefoon",
        ]
    )
    | {"phone number", "mobile phone", "whatsapp number", "mobile number", "cell phone"},
    "email": frozenset({"email", "e mail", "mail", "email address", "e mail address", "correo", "courriel"})
    | {"e mail adresse", "adresse e mail", "correo electronico"},
}


def suggested(sample: Sequence[Sequence[str]], attributes: Collection[Attribute]) -> list[str]:
    """What each column may be, empty where nothing is known; the first row may be a heading."""
    width = max(map(len, sample), default=0)
    heading = list(sample[0]) + [""] * width if sample else []
    taken: set[str] = set()
    found = []
    for column in range(width):
        guess = _guess(heading[column], [row[column] for row in sample[1:] if column < len(row)], attributes)
        found.append("" if guess in taken else guess)
        taken.add(guess)
    return found


def has_heading(sample: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: nothing in it is a number or an address."""
    return bool(sample) and not any(_looks(cell) for cell in sample[0])


def _guess(heading: str, cells: Sequence[str], attributes: Collection[Attribute]) -> str:
    word = folded(heading)
    for target, words in _KNOWN.items():
        if word in words:
            return target
    for attribute in attributes:
        if word in (folded(attribute.key), folded(attribute.name)):
            return f"attribute:{attribute.key}"
    looks = [_looks(cell) for cell in cells if cell]
    return next((each for each in _LOOKS if looks and looks.count(each) * 2 > len(looks)), "")


def _looks(cell: str) -> str:
    return next((name for name, pattern in _LOOKS.items() if pattern.fullmatch(cell.strip())), "")
