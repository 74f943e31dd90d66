"""Asks the process in this container whether it lives; the container engine's health check."""

import os
import sys
from http.client import HTTPConnection
from pathlib import Path

name = (Path(__file__).parent / "member").read_text(encoding="utf-8").strip().upper()
port = int(os.environ.get(f"{name}_ADMIN_PORT") or os.environ.get(f"{name}_HTTP_PORT") or 0)
try:
    connection = HTTPConnection("127.0.0.1", port, timeout=3)
    connection.request("GET", "/livez")
    sys.exit(0 if connection.getresponse().status == 200 else 1)
except OSError:
    sys.exit(1)
