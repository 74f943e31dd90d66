"""The backing services as containers, when a container engine answers."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.backing.probes import Unusable
from local.state import CHECKOUT, State

_PORTS = ("compose-postgres", "compose-redis", "compose-rabbitmq")


@dataclass(frozen=True, slots=True)
class Compose:
    """Our own project of containers: its name, ports and passwords are this checkout's."""

    state: State
    file: Path = CHECKOUT / "deploy" / "docker-compose.yml"

    @staticmethod
    def answers() -> bool:
        """Whether an engine is there and lets us in."""
        docker = shutil.which("docker")
        if docker is None:
            return False
        try:
            asked = [[docker, "info"], [docker, "compose", "version"]]
            return all(_run(command, patience=8.0).returncode == 0 for command in asked)
        except subprocess.TimeoutExpired:
            return False

    def start(self, names: Sequence[str]) -> dict[str, str]:
        """Start these services and wait until they are healthy; their addresses by name.

        Raises:
            Unusable: the engine could not start them.
        """
        environment = self._environment()
        self._compose(environment, "up", "--detach", "--wait", *names)
        addresses = self._addresses(environment)
        return {name: addresses[name] for name in names}

    def stop(self) -> None:
        """Stop the containers; their volumes stay."""
        self._compose(self._environment(), "stop")

    def remove(self) -> None:
        """Remove containers and volumes of this checkout."""
        self._compose(self._environment(), "down", "--volumes")

    def _environment(self) -> dict[str, str]:
        kept: dict[str, int] = self.state.recall("compose_ports", {})
        if not kept:
            kept = self.state.fresh_ports(_PORTS)
            self.state.remember(compose_ports=kept)
        return {
            "ROSTRUM_POSTGRES_PORT": str(kept[_PORTS[0]]),
            "ROSTRUM_REDIS_PORT": str(kept[_PORTS[1]]),
            "ROSTRUM_RABBITMQ_PORT": str(kept[_PORTS[2]]),
            "ROSTRUM_POSTGRES_PASSWORD": self.state.secret("compose_postgres"),
            "ROSTRUM_RABBITMQ_PASSWORD": self.state.secret("compose_rabbitmq"),
        }

    @staticmethod
    def _addresses(environment: dict[str, str]) -> dict[str, str]:
        word, rabbit = environment["ROSTRUM_POSTGRES_PASSWORD"], environment["ROSTRUM_RABBITMQ_PASSWORD"]
        return {
            "postgres": f"postgresql://postgres:{word}@127.0.0.1:{environment['ROSTRUM_POSTGRES_PORT']}/postgres",
            "redis": f"redis://127.0.0.1:{environment['ROSTRUM_REDIS_PORT']}/0",
            "rabbitmq": f"amqp://rostrum:{rabbit}@127.0.0.1:{environment['ROSTRUM_RABBITMQ_PORT']}/",
        }

    def _compose(self, environment: dict[str, str], *arguments: str) -> None:
        project = ["--project-name", self.state.namespace, "--file", str(self.file)]
        command = [shutil.which("docker") or "docker", "compose", *project, *arguments]
        done = _run(command, patience=600.0, environment=environment)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unusable(f"docker compose {arguments[0]} failed: {json.dumps(last)}")


def _run(
    command: Sequence[str], *, patience: float, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
