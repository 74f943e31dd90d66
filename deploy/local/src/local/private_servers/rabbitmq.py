import os
import shutil
import socket
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from local.private_servers.server import PrivateServer

_PLACES = (Path("/usr/lib/rabbitmq/bin"), *sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin")))


class PrivateRabbit(PrivateServer):
    """A RabbitMQ of our own with its own cookie, node name and port mapper; the system's is not seen.

    Nothing is taken from /etc/rabbitmq or from RABBITMQ_* variables of the caller.
    """

    name = "rabbitmq"
    port_names = ("port", "distribution_port", "mapper_port")
    patience = 180.0

    @classmethod
    def installed(cls) -> bool:
        """Whether the programs are on this machine."""
        return bool(_program() and shutil.which("erl"))

    @property
    def url(self) -> str:
        """The address of the default virtual host; the guest account may only come from loopback."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def _prepare(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "loopback_users.guest = true\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n"
            "disk_free_limit.absolute = 50MB\n",
            encoding="utf-8",
        )
        (self.folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        (self.folder / "empty.conf").touch()

    def _command(self) -> Sequence[str]:
        """The port mapper is started first, as a child: Erlang would leave a daemon behind."""
        mapper, port = _mapper(), str(self._record()["mapper_port"])
        start = '"$1" -port "$2" -address 127.0.0.1 & exec "$3"' if mapper else 'exec "$3"'
        return ["/bin/sh", "-c", start, "rabbitmq", mapper, port, _program()]

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        record = self._record()
        label = sha256(bytes(folder)).hexdigest()[:8]
        return super()._environment() | {
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(record["mapper_port"]),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "empty.conf"),
            "RABBITMQ_DIST_PORT": str(record["distribution_port"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODENAME": f"rostrum{label}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(record["port"]),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _answers(self) -> bool:
        """It greets a client of the protocol with a method frame once it has booted."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as peer:
                peer.sendall(b"AMQP\x00\x00\x09\x01")
                return peer.recv(1) == b"\x01"
        except OSError:
            return False


def _program() -> str:
    """The server's own script; Debian's wrapper on the path would change to the system's account."""
    for place in _PLACES:
        script = place / "rabbitmq-server"
        if os.access(script, os.X_OK):
            return str(script)
    found = shutil.which("rabbitmq-server") or ""
    return "" if found == "/usr/sbin/rabbitmq-server" else found


def _mapper() -> str:
    bundled = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    return shutil.which("epmd") or (str(bundled[-1]) if bundled else "")
