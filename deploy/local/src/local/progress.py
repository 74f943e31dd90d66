"""How far a start is: told to whoever watches, and left in a file for the command that started it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from local.state import State

_FILE = "progress.json"


class Progress:
    """The steps of one start: shown with their duration, the current one with a spinner on a terminal."""

    def __init__(self, state: State, console: Console) -> None:
        self._state, self.console = state, console
        self._status: Status | None = None
        self._content: dict[str, Any] = {"phase": "starting", "steps": [], "now": "", "error": "", "log": ""}
        self._keep()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say that this happens now, and that it is done when it is."""
        began = time.monotonic()
        self._content["now"] = what
        self._keep()
        if self.console.is_terminal:
            with self.console.status(what):
                yield
        else:
            yield
        self.done(f"{what} [dim]{time.monotonic() - began:.1f} s[/]")

    def done(self, what: str) -> None:
        """One thing is done."""
        self.console.print(f" [green]✓[/] {what}", highlight=False)
        self._content["steps"].append(what)
        self._keep()

    def say(self, what: str) -> None:
        """Something worth knowing."""
        self.console.print(f"   {what}", highlight=False, markup=False)

    def phase(self, phase: str, *, error: str = "", log: Path | None = None) -> None:
        """The start has ended: ready, failed or stopped."""
        self._content |= {"phase": phase, "error": error, "log": str(log or "")}
        self._keep()

    def _keep(self) -> None:
        self._state.keep(_FILE, self._content)


def kept(state: State) -> dict[str, Any]:
    """What the running or last start has said of itself."""
    return state.kept(_FILE)
