"""python -m contracts freeze | check | docs."""

import argparse
import sys
from pathlib import Path

from contracts import asyncapi, catalogue, permissions, yaml
from contracts.compatibility import breaches
from contracts.consumers import CONSUMERS, LISTENERS
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import FROZEN, Schema, freeze, frozen, promises


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m contracts", description="The events and their promises.")
    parser.add_argument("command", choices=("freeze", "check", "docs"))
    parser.add_argument("--schemas", type=Path, default=FROZEN, help="folder of the frozen schemas")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of the generated documents")
    chosen = parser.parse_args(arguments)
    match chosen.command:
        case "freeze":
            return _freeze(promises(EVENTS), chosen.schemas)
        case "docs":
            return _write(chosen.docs)
        case _:
            return _check(promises(EVENTS), chosen.schemas, chosen.docs)


def documents() -> dict[str, str]:
    """The generated documents by file name."""
    return {
        "events.md": catalogue.markdown(EVENTS, _hearers()),
        "asyncapi.yaml": yaml.dump(asyncapi.document(EVENTS)),
        "permissions.md": permissions.markdown(),
    }


def _hearers() -> dict[type[Event], tuple[str, ...]]:
    return {event: (*CONSUMERS.get(event, ()), *LISTENERS.get(event, ())) for event in (*CONSUMERS, *LISTENERS)}


def _freeze(current: dict[str, Schema], folder: Path) -> int:
    """Freeze what is new; nothing is written when anything is broken."""
    if broken := breaches(frozen(folder), current):
        return _complain(broken)
    for name in freeze(current, folder):
        sys.stdout.write(f"frozen: {name}\n")
    return 0


def _check(current: dict[str, Schema], folder: Path, docs: Path) -> int:
    """Say what is broken, not frozen yet, or out of date."""
    before = frozen(folder)
    complaints = breaches(before, current)
    if not complaints:
        complaints = [
            f"{name}: not frozen as it is now; run `python -m contracts freeze`"
            for name, schema in current.items()
            if before.get(name) != schema
        ]
    for name, text in documents().items():
        path = docs / name
        if not path.is_file() or path.read_text("utf-8") != text:
            complaints.append(f"{name}: out of date; run `python -m contracts docs`")
    return _complain(complaints)


def _write(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, "utf-8")
    return 0


def _complain(complaints: list[str]) -> int:
    for complaint in complaints:
        sys.stderr.write(complaint + "\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
