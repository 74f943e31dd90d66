"""Telling our own processes from everybody else's before any signal is sent."""

import shlex
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import psutil

_PORTS = range(20_000, 30_000)  # below the range from which systems take outgoing ports
_TAKES_PLACE_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Identity:
    """One process that was started by us: its number alone would soon name somebody else's."""

    pid: int
    started: float
    command: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Who has this number now; None when nobody that still runs."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid, _started(process), shlex.join(process.cmdline()))
        except psutil.Error:
            return None

    @classmethod
    def of_child(cls, pid: int) -> "Identity | None":
        """Who a child is that was started a moment ago: its command line is empty until it has taken its place."""
        until = time.monotonic() + _TAKES_PLACE_WITHIN
        while (identity := cls.of(pid)) is not None and not identity.command and time.monotonic() < until:
            time.sleep(0.002)
        return identity

    @property
    def alive(self) -> bool:
        """Whether this very process, not a later one with its number, still runs."""
        return Identity.of(self.pid) == self

    def family(self) -> list[psutil.Process]:
        """The process and all it started, deepest last; empty when it is gone or not ours."""
        if not self.alive:
            return []
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.Error:
            return []


def _started(process: psutil.Process) -> float:
    """Ticks since boot where the system tells them, as they do not move when the wall clock is set."""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return process.create_time()
    return float(stat.rpartition(")")[2].split()[19])


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal each of these; one that has just gone is no error."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def survivors(processes: Iterable[psutil.Process], patience: float) -> list[psutil.Process]:
    """Wait until all of these have ended; whoever lives longer than our patience is returned."""
    until = time.monotonic() + patience
    living = [process for process in processes if _lives(process)]
    while living and time.monotonic() < until:
        time.sleep(0.02)
        living = [process for process in living if _lives(process)]
    return living


def _lives(process: psutil.Process) -> bool:
    """A zombie has ended, even while its parent has not taken note."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(identity: Identity, *, first: signal.Signals = signal.SIGTERM, patience: float = 10.0) -> bool:
    """Ask the process to leave, wait, then kill what is left of its family; True when it left by itself."""
    family = identity.family()
    send(family[:1], first)
    left_by_itself = not survivors(family[:1], patience)
    stayed = survivors(family, 0)
    send(stayed, first if left_by_itself else signal.SIGKILL)
    stayed = survivors(stayed, 1.0)
    send(stayed, signal.SIGKILL)
    survivors(stayed, 30.0)
    return left_by_itself


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether we could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def becomes_free(port: int, within: float = 30.0) -> bool:
    """Whether we can listen there soon: whoever was killed a moment ago may still hold it."""
    until = time.monotonic() + within
    while not port_is_free(port):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def free_port(avoid: Iterable[int] = ()) -> int:
    """A port nobody listens on, and not one of those to avoid; kept for us as long as this process lives."""
    taken, draw = set(avoid), SystemRandom()
    while True:
        port = draw.choice(_PORTS)
        if port not in taken and _hold(port):
            return port


def _hold(port: int) -> bool:
    """Bind the port until this process ends, if nobody else has: two who look at once do not find the same one.

    A server that sets SO_REUSEADDR, as all of ours do, can listen there all the same.
    """
    held = socket.socket()
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.close()
        return False
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.detach()  # stays open, and nobody closes it
    return True
