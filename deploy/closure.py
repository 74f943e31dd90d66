"""Which locked dependencies one member needs: its own, theirs and so on, with the lock's versions and hashes.

`closure.py --wheels FOLDER MEMBER...` reads what each dependency needs from the wheels themselves, so nothing is
resolved anew and nothing is asked of the network. A member is a folder of this repository or a locked package's name.
Needs nothing but Python and pip.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from pip._vendor.packaging.requirements import Requirement

Needs = Callable[[str], Sequence[str]]


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> dict[str, str]:
    """The lock's entries, each with its version and hashes, by name."""
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    return {normal(re.split(r"[=\[ ]", entry, maxsplit=1)[0]): entry for entry in entries if "==" in entry}


def members(root: Path) -> dict[str, Path]:
    """Every folder of ours with a package, by the package's name."""
    found = (*root.glob("*/pyproject.toml"), *root.glob("*/*/pyproject.toml"))
    return {normal(_project(file.parent)["name"]): file.parent for file in found}


def needed(roots: Iterable[str], needs: Needs) -> set[str]:
    """Everything these requirements lead to, on this Python and this system."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        name = normal(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            waiting += [each for each in map(Requirement, needs(name)) if _applies(each, extra)]
    return {name for name, _ in seen}


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def needs_of(root: Path, outside: Needs) -> Needs:
    """What a package needs: ours say it in their pyproject.toml, the others as `outside` knows."""
    ours = members(root)

    def needs(name: str) -> Sequence[str]:
        if name not in ours:
            return outside(name)
        project = _project(ours[name])
        extras: Mapping[str, Sequence[str]] = project.get("optional-dependencies", {})
        optional = [f"{need}; extra == '{extra}'" for extra, added in extras.items() for need in added]
        return [*project.get("dependencies", []), *optional]

    return needs


def wheels_in(folder: Path) -> Needs:
    """Reads the metadata of downloaded wheels."""
    files = {normal(file.name.split("-")[0]): file for file in folder.glob("*.whl")}

    def needs(name: str) -> Sequence[str]:
        with ZipFile(files[name]) as wheel:
            metadata = next(path for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
            return HeaderParser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist") or []

    return needs


def chosen(names: set[str], entries: Mapping[str, str], ours: Mapping[str, Path]) -> Iterator[str]:
    """The lock's lines for these names.

    Raises:
        KeyError: one of them is not locked.
    """
    for name in sorted(names - set(ours)):
        yield entries[name]


def _project(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the lock's lines, or with `--members` the folders of ours that are needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--members", action="store_true", help="print folders instead of locked packages")
    parser.add_argument("subjects", nargs="+")
    asked = parser.parse_args(arguments)
    ours = members(asked.root)
    by_folder = {str(folder.relative_to(asked.root)): name for name, folder in ours.items()}
    roots = [by_folder.get(subject.rstrip("/"), subject) for subject in asked.subjects]
    names = needed(roots, needs_of(asked.root, wheels_in(asked.wheels)))
    if asked.members:
        print("\n".join(str(ours[name].relative_to(asked.root)) for name in sorted(names & set(ours))))
    else:
        print("".join(chosen(names, locked((asked.root / "requirements.lock").read_text(encoding="utf-8")), ours)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
