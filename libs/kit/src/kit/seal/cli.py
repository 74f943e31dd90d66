"""`seal rotate` and `seal rotate-master`: what an operator does with keys."""

import argparse
from typing import Final
from uuid import UUID

from rich.console import Console

from kit.seal.keyring import Keyring
from kit.seal.model import KeptElsewhere

COMMAND: Final = "seal"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Let the parser of a service know these commands."""
    seal = commands.add_parser(COMMAND, help="give sealing keys another version or another master key")
    steps = seal.add_subparsers(dest="step", required=True, metavar="step")
    rotate = steps.add_parser("rotate", help="seal with a new key from now on; what was sealed still opens")
    whose = rotate.add_mutually_exclusive_group(required=True)
    whose.add_argument("--organization", type=UUID, help="the organization's key; at compliance, which keeps them")
    whose.add_argument("--platform", action="store_true", help="the platform's own key")
    steps.add_parser("rotate-master", help="wrap all keys by the present master key; afterwards the old one may go")


async def run(chosen: argparse.Namespace, keyring: Keyring, console: Console) -> None:
    """Do one step."""
    if chosen.step == "rotate":
        try:
            await keyring.rotate(chosen.organization)
        except KeptElsewhere as refusal:
            raise SystemExit(str(KeptElsewhere.__doc__)) from refusal
        console.print("A new key seals from now on; other processes follow within five minutes.")
    else:
        console.print(f"{await keyring.rewrap()} keys wrapped anew.")
