"""The table of security requirements: complete, and what it names as proof is there."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SHORT: Final = {"auth": "services/auth/tests", "gateway": "gateway/tests", "tests": "tests"}
ROW: Final = re.compile(r"^\| (\d+\.\d+\.\d+) \| (met|not applicable|open) \| (.+) \|$", re.MULTILINE)
PROOF: Final = re.compile(r"`(auth|gateway|tests)/([\w/]+\.py)(?:::(\w+))?`")
SECTIONS: Final = {
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
}
"""How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has; they are numbered from 1 on."""


def rows() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = ROW.findall((ROOT / "docs" / "asvs.md").read_text("utf-8"))
    return found


def test_every_requirement_has_one_row() -> None:
    wanted = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
    assert [number for number, _, _ in rows()] == wanted


def test_what_shows_a_requirement_is_there() -> None:
    for number, _, told in rows():
        for folder, path, name in PROOF.findall(told):
            file = ROOT / SHORT[folder] / path
            assert file.exists(), f"{number}: {folder}/{path}"
            if name:
                assert f"def {name}(" in file.read_text("utf-8"), f"{number}: {name}"


def test_what_is_met_says_how() -> None:
    assert all(told.strip() for _, _, told in rows())
