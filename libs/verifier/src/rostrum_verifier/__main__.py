"""rostrum-verify BUNDLE … --key KEY [--older FILE]: ends with 0 when all holds, 1 when not, 2 when misused."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, TextIO

from rostrum_verifier.bundle import Bundle, Checked, check, read
from rostrum_verifier.log import Checkpoint, Key, Rejected

HOLDS: Final = 0
BROKEN: Final = 1
MISUSED: Final = 2


def main(arguments: Sequence[str] | None = None, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> int:
    """Check, tell, and return the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        bundles = [path.read_text("utf-8").splitlines() for path in chosen.bundles]
        kept = None if chosen.older is None else chosen.older.read_text("utf-8")
    except UnicodeDecodeError:
        return _refused("a file is not text in UTF-8", out, as_json=chosen.json)
    except OSError as trouble:
        err.write(f"rostrum-verify: {trouble.filename}: {trouble.strerror}\n")
        return MISUSED
    try:
        older = None if kept is None else _older(kept, chosen.key)
        found = check(bundles, chosen.key, organization=chosen.organization, older=older)
    except Rejected as trouble:
        return _refused(str(trouble), out, as_json=chosen.json)
    return _held(found, out, as_json=chosen.json)


def command() -> None:
    """The console script."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rostrum-verify", description="Check an exported audit trail without asking anybody."
    )
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help="exported bundles, in their order")
    parser.add_argument(
        "--key",
        required=True,
        action="append",
        type=Key.from_text,
        help="the log's public key as you noted it, name+hash+base64; repeat it when keys were changed",
    )
    parser.add_argument(
        "--older", type=Path, metavar="FILE", help="a checkpoint or bundle that you kept: the log must go on from it"
    )
    parser.add_argument("--organization", metavar="ID", help="whose entries these must be")
    parser.add_argument("--json", action="store_true", help="tell the result as JSON")
    return parser


def _older(text: str, keys: Sequence[Key]) -> Bundle | Checkpoint:
    return read(text.splitlines(), keys) if text.lstrip().startswith("{") else Checkpoint.from_note(text, keys)


def _held(found: Checked, out: TextIO, *, as_json: bool) -> int:
    if as_json:
        out.write(json.dumps({"holds": True, "whole": found.whole, **asdict(found)}) + "\n")
        return HOLDS
    good = _coloured("✓", "32", out)
    out.write(f"{good} signed by {found.origin}\n")
    out.write(f"{good} organization {found.organization}\n")
    span = f"{found.first} to {found.last} of {found.newest}" if found.count else f"none of {found.newest}"
    out.write(f"{good} {found.count} entries, {span}: none changed, missing or out of order\n")
    out.write(f"{good} each stands in the log of {found.size} entries\n")
    if found.older_size is not None:
        out.write(f"{good} the log goes on from the {found.older_size} entries that you knew\n")
    else:
        mark = _coloured("!", "33", out)
        out.write(f"{mark} nothing older was given: keep this bundle, and give it with --older next time\n")
    if not found.whole:
        out.write(f"{_coloured('!', '33', out)} these are not all entries of the organization\n")
    out.write(_coloured("The audit trail holds.", "1;32", out) + "\n")
    return HOLDS


def _refused(why: str, out: TextIO, *, as_json: bool) -> int:
    if as_json:
        out.write(json.dumps({"holds": False, "reason": why}) + "\n")
    else:
        out.write(f"{_coloured('✗', '31', out)} {why}\n{_coloured('The audit trail does NOT hold.', '1;31', out)}\n")
    return BROKEN


def _coloured(text: str, colour: str, out: TextIO) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if out.isatty() and "NO_COLOR" not in os.environ else text


if __name__ == "__main__":
    command()
