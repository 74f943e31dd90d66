"""`python -m auth.passwords LIST FILE`: makes the form in which passwords that leaked are looked up.

LIST holds one password per line; FILE is what AUTH_BREACHED_PASSWORDS names.
"""

import argparse
from pathlib import Path

from auth.passwords.common import made_of
from auth.passwords.policy import SHORTEST_OF_TWO


def main() -> None:
    """Read the list, write the file."""
    parser = argparse.ArgumentParser(prog="python -m auth.passwords", description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("file", type=Path)
    chosen = parser.parse_args()
    with chosen.list.open(encoding="utf-8", errors="replace") as lines:
        chosen.file.write_bytes(made_of((line.rstrip("\r\n") for line in lines), SHORTEST_OF_TWO))


if __name__ == "__main__":
    main()
