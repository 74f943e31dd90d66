import shutil
import socket
from collections.abc import Sequence

from local.private_servers.server import PrivateServer


class PrivateRedis(PrivateServer):
    """A Redis of our own that keeps nothing on disk: what it holds may be lost at any time."""

    name = "redis"

    @classmethod
    def installed(cls) -> bool:
        """Whether the program is on this machine."""
        return bool(_program())

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _prepare(self) -> None:
        """It needs nothing."""

    def _command(self) -> Sequence[str]:
        options = {
            "--bind": "127.0.0.1",
            "--port": str(self.port),
            "--dir": str(self.folder),
            "--save": "",
            "--appendonly": "no",
            "--daemonize": "no",
        }
        return [_program(), *(part for option in options.items() for part in option)]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as peer:
                peer.sendall(b"PING\r\n")
                return peer.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def _program() -> str:
    return shutil.which("redis-server") or shutil.which("valkey-server") or ""
