"""Documents: PDF whose pages are counted, and in which nothing runs."""

import re
from pathlib import Path
from typing import Final

from publisher.media.workshop.sniffing import PDF
from publisher.media.workshop.verdict import Facts, Unfit

_LARGEST: Final = 100 * 1024 * 1024
_TAIL: Final = 2048
_PAGE: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_COUNT: Final = re.compile(rb"/Count\s+(\d{1,6})")
_ACTIVE: Final = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA|Encrypt)(?![A-Za-z])")


def examine(source: Path, target: Path) -> Facts:
    """Look at a document and keep it as it is.

    Raises:
        Unfit: it is not complete, is locked, or holds programs or files.
    """
    size = source.stat().st_size
    if size > _LARGEST:
        raise Unfit("too-large", "A document has up to 100 MB. Compress it.")
    content = source.read_bytes()
    if b"%%EOF" not in content[-_TAIL:]:
        raise Unfit("truncated", "The document ends too early; upload it again.")
    if _ACTIVE.search(content):
        raise Unfit("active-content", "The document is locked, or holds programs, forms or files. Print it as PDF.")
    pages = len(_PAGE.findall(content)) or max((int(each) for each in _COUNT.findall(content)), default=0)
    target.write_bytes(content)
    return Facts("document", PDF, size, pages=pages or None)
