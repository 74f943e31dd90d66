"""What one checkout remembers between runs: its id, its secrets, its ports; all below `.rostrum/`."""

import base64
import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.processes import free_port, port_is_free

CHECKOUT = Path(__file__).resolve().parents[4]
SERVICES = ("auth", "billing", "compliance", "generation", "inbox", "publisher")
SEALING = ("auth", "billing", "generation", "inbox", "publisher")
"""Who seals what belongs to organizations and people, under keys that compliance keeps."""


@dataclass(frozen=True, slots=True)
class State:
    """The folder `.rostrum/` of one checkout and the names that are its alone."""

    folder: Path

    @classmethod
    def of(cls, checkout: Path = CHECKOUT) -> "State":
        """The state of a checkout; made when it is not there yet."""
        state = cls(checkout / ".rostrum")
        state.logs.mkdir(parents=True, exist_ok=True)
        state.run.mkdir(exist_ok=True)
        return state

    @property
    def logs(self) -> Path:
        """One file for each process and server."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Who runs now."""
        return self.folder / "run"

    @property
    def servers(self) -> Path:
        """Data of the servers we started ourselves."""
        return self.folder / "servers"

    @property
    def install_id(self) -> str:
        """Six hexadecimal digits drawn once; every name outside this folder carries them."""
        kept = self._read("state.json").get("id")
        if not kept:
            kept = secrets.token_hex(3)
            self.remember(id=kept)
        return str(kept)

    @property
    def database(self) -> str:
        """The name of our database."""
        return f"rostrum_{self.install_id}"

    @property
    def role_prefix(self) -> str:
        """What the names of our roles begin with."""
        return f"rostrum_{self.install_id}_"

    @property
    def namespace(self) -> str:
        """What our exchanges, queues and Redis keys begin with."""
        return f"rostrum-{self.install_id}"

    @property
    def mark(self) -> str:
        """The comment on our database; one without it is somebody else's."""
        return f"Made by the Rostrum checkout {self.install_id}."

    def recall(self, key: str, default: Any = None) -> Any:
        """A thing remembered that is no secret."""
        return self._read("state.json").get(key, default)

    def remember(self, **values: Any) -> None:
        """Keep things that are no secret."""
        self._write("state.json", self._read("state.json") | values, 0o644)

    def keep(self, name: str, content: dict[str, Any]) -> None:
        """Write a file that only we may read."""
        self._write(name, content, 0o600)

    def kept(self, name: str) -> dict[str, Any]:
        """What was kept under this name; empty when nothing was."""
        return self._read(name)

    def forget(self, name: str) -> None:
        """Delete what was kept under this name."""
        (self.folder / name).unlink(missing_ok=True)

    def secret(self, name: str, *, size: int = 24) -> str:
        """A random secret, drawn once: unpadded base64url of `size` bytes."""
        kept = self._read("secrets.json")
        if name not in kept:
            kept[name] = base64.urlsafe_b64encode(secrets.token_bytes(size)).decode().rstrip("=")
            self._write("secrets.json", kept, 0o600)
        return str(kept[name])

    def sealing_key(self, service: str) -> str:
        """The master key of one service: 32 bytes."""
        return _padded(self.secret("sealing_key" if service == "auth" else f"sealing_key_{service}", size=32))

    def compliance_secret(self, service: str) -> str:
        """What one service shares with compliance: 32 bytes."""
        return _padded(self.secret(f"compliance_secret_{service}", size=32))

    def gateway_secret(self, service: str = "auth") -> str:
        """What the gateway shares with a service: 32 bytes."""
        name = "gateway_secret" if service == "auth" else f"gateway_{service}_secret"
        return _padded(self.secret(name, size=32))

    def ports(self, names: Sequence[str], *, ours: Sequence[int] = ()) -> dict[str, int]:
        """A port for each name, kept over runs unless somebody else took it; the gateway prefers 8080."""
        kept: dict[str, int] = self.recall("ports", {})
        chosen: dict[str, int] = {}
        for name in names:
            port = kept.get(name, 8080 if name == "gateway" else 0)
            usable = port and (port in ours or port_is_free(port)) and port not in chosen.values()
            chosen[name] = port if usable else free_port([*kept.values(), *chosen.values()])
        if chosen != kept:
            self.remember(ports=chosen)
        return chosen

    def fresh_ports(self, names: Sequence[str]) -> dict[str, int]:
        """A free port for each name, none of them kept for anything else."""
        chosen: dict[str, int] = {}
        for name in names:
            chosen[name] = free_port([*self.recall("ports", {}).values(), *chosen.values()])
        return chosen

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return dict(content)

    def _write(self, name: str, content: dict[str, Any], mode: int) -> None:
        """Replace the file whole; a secret one is never readable by others, not even for a moment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f"{name}.{os.getpid()}"
        with suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / name)


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
