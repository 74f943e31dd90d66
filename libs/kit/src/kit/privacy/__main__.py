"""`python -m kit.privacy`: write docs/data-map.md again from the `data.toml` of each owner."""

import argparse
import sys
from pathlib import Path
from typing import Final

from kit.privacy.datamap import FILE, BadDataMap, DataMap, load
from kit.privacy.markdown import document

KIT: Final = Path("libs/kit/src/kit/db/migrations") / FILE
EVENTS: Final = Path("libs/contracts/src/contracts") / FILE
DOCUMENT: Final = Path("docs/data-map.md")


def main(arguments: list[str] | None = None) -> int:
    """Write the document; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m kit.privacy", description="What data there is.")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the repository")
    root: Path = parser.parse_args(arguments).root
    try:
        text = current(root)
    except BadDataMap as bad:
        sys.stderr.write(f"{bad}\n")
        return 1
    (root / DOCUMENT).write_text(text, "utf-8")
    return 0


def current(root: Path) -> str:
    """The document as it should be.

    Raises:
        BadDataMap: a file cannot be read.
    """
    return document(of(root, KIT), services(root), of(root, EVENTS))


def services(root: Path) -> dict[str, DataMap]:
    """The map of each service that has migrations.

    Raises:
        BadDataMap: one is missing or cannot be read.
    """
    folders = sorted(path.parent for path in root.glob("services/*/src/*/migrations/schema.sql"))
    return {folder.parent.name: of(root, folder.relative_to(root) / FILE) for folder in folders}


def of(root: Path, path: Path) -> DataMap:
    """The map in one file of the repository.

    Raises:
        BadDataMap: it is missing or cannot be read.
    """
    return load(root / path, path.as_posix())


if __name__ == "__main__":
    sys.exit(main())
