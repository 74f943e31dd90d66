"""`python -m benchmarks [full] [name …]`: every benchmark as a process of its own, then one table: `make bench`."""

import json
import subprocess
import sys
import time

from rich.console import Console

from benchmarks.harness import FOLDER, table

NAMES = (
    *("gateway", "api_keys", "cache", "bus", "intake", "realtime", "ledger", "audit", "seal", "quota", "refresh"),
    "generation",
    "sign_up",
    "billing_intake",
    "conversations",
    "broadcasts",
    "contact_import",
    "footprint",
)
ONLY_FULL = ("pacing", "rush", "punctual", "inbox_lists", "inbox_search")


def main(arguments: list[str]) -> int:
    """Run the benchmarks that are named, or all of them; 1 when one of them failed."""
    console, full = Console(), "full" in arguments
    chosen = [name for name in arguments if name != "full"] or [*NAMES, *(ONLY_FULL if full else ())]
    failed, began = [], time.monotonic()
    for place, name in enumerate(chosen, 1):
        started = time.monotonic()
        console.print(f"[bold]{place}/{len(chosen)}[/] {name} …")
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *(["full"] if full else [])], check=False)
        console.print(f"    {time.monotonic() - started:.0f} s" + (", [red]failed[/]" if done.returncode else ""))
        failed += [name] if done.returncode else []
    files = {name: FOLDER / f"{name}.json" for name in chosen if name not in failed}
    console.print(table({name: json.loads(file.read_text())["results"] for name, file in files.items()}))
    console.print(f"{time.monotonic() - began:.0f} s in all; the figures are in {FOLDER}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
