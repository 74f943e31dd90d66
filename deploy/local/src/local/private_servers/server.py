"""What the three private servers have in common: a folder, ports, one process with its family, a log."""

import json
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from local.processes import Identity, becomes_free, end, free_port, send, survivors

_LOG_LIMIT = 20_000_000


class ServerDidNotStart(Exception):
    """A private server ended or stayed silent; the message carries the last lines of its log."""


class PrivateServer(ABC):
    """One server that only we use.

    It listens on loopback alone, keeps its port over restarts, and is found again by another process
    through its record in the folder, so whoever runs next can adopt it or end it. As a context manager it
    starts on entry and is removed with its data on exit.
    """

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]] = ("port",)
    leave_signal: ClassVar[signal.Signals] = signal.SIGTERM
    patience: ClassVar[float] = 120.0

    def __init__(self, folder: Path, *, logs: Path | None = None) -> None:
        self.folder = folder.resolve() / self.name
        self.log = (logs or folder / "logs").resolve() / f"{self.name}.log"
        self._record_file = self.folder / "record.json"
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    @abstractmethod
    def installed(cls) -> bool:
        """Whether the programs are on this machine."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients, once it was started."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make what must exist before the first start."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """What to run in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether clients are served."""

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}

    def _credentials(self) -> dict[str, Any]:
        """The account to run under, as `subprocess` takes it; our own unless the server refuses that."""
        return {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._record()["port"])

    @property
    def running(self) -> bool:
        """Whether the process we started, or an earlier run of us, is alive."""
        identity = self._identity()
        return identity is not None and identity.alive

    def start(self) -> None:
        """Start it unless it runs, and return once it serves clients.

        Raises:
            ServerDidNotStart: it ended by itself or did not answer in time.
        """
        if self.running and self._answers():
            return
        self.kill()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._choose_ports()
        self._prepare()
        self._spawn()
        self._await_answer()

    def stop(self) -> None:
        """Let it finish what it has and leave."""
        identity = self._identity()
        if identity is not None:
            end(identity, first=self.leave_signal, patience=30.0)
        self._reap()

    def kill(self) -> None:
        """End it and its family at once, as a power cut would."""
        self._signal_family(signal.SIGKILL)
        self._reap()

    def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop it in place: connections stay open and nothing answers."""
        self._signal_family(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after a freeze."""
        self._signal_family(signal.SIGCONT)

    def remove(self) -> None:
        """End it and delete its data; its log stays."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads(self._record_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _remember(self, **values: Any) -> None:
        """Write the record whole or not at all; it may hold a password."""
        fresh = self._record_file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(self._record() | values), encoding="utf-8")
        fresh.replace(self._record_file)

    def _identity(self) -> Identity | None:
        process = self._record().get("process")
        return Identity(**process) if process else None

    def _choose_ports(self) -> None:
        record = self._record()
        chosen: dict[str, int] = {}
        for name in self.port_names:
            kept = record.get(name)
            chosen[name] = kept if kept and becomes_free(kept) else free_port(chosen.values())
        self._remember(**chosen)

    def _spawn(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
                **self._credentials(),
            )
        self._remember_process(self._child.pid)

    def _remember_process(self, pid: int) -> None:
        identity = Identity.of_child(pid)
        if identity is not None:
            self._remember(process={"pid": identity.pid, "started": identity.started, "command": identity.command})

    def _await_answer(self) -> None:
        child, until = self._child, time.monotonic() + self.patience
        while child is not None and child.poll() is None and time.monotonic() < until:
            if self._answers():
                self._remember_process(child.pid)  # servers may rewrite their command line while they start
                return
            time.sleep(0.05)
        self.kill()
        raise ServerDidNotStart(f"{self.name} did not start; the end of {self.log}:\n{self._tail()}")

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-15:])

    def _signal_family(self, number: signal.Signals) -> None:
        identity = self._identity()
        family = identity.family() if identity else []
        send(family, number)
        if number is signal.SIGKILL:
            survivors(family, 30.0)

    def _reap(self) -> None:
        if self._child is not None:
            if self._child.poll() is None:
                self._child.kill()
            self._child.wait()
            self._child = None
