"""The script that pages load, and its sum, by which a page can insist on exactly this one."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

SCRIPT: Final = files("inbox.chat").joinpath("widget.js").read_bytes()
VERSION: Final = hashlib.sha256(SCRIPT).hexdigest()[:16]
PATH: Final = f"/v1/chat/widget.{VERSION}.js"
INTEGRITY: Final = "sha384-" + base64.b64encode(hashlib.sha384(SCRIPT).digest()).decode()
