"""A PDF of plain lines (PDF 1.4, ISO 32000-1): Helvetica, A4, as many pages as it takes."""

from collections.abc import Sequence

_TOP, _LEFT, _STEP, _PER_PAGE = 800, 50, 16, 46


def document(lines: Sequence[str]) -> bytes:
    """The bytes of a document with one line of text below the other; what the font lacks is a question mark."""
    pages = [lines[at : at + _PER_PAGE] for at in range(0, max(len(lines), 1), _PER_PAGE)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        bodies.append(_stream(page))
    return _file(bodies)


def _stream(page: Sequence[str]) -> bytes:
    shown = b" T*\n".join(b"(" + _escaped(line) + b") Tj" for line in page)
    text = f"BT /F1 11 Tf {_STEP} TL {_LEFT} {_TOP} Td\n".encode() + shown + b"\nET"
    return f"<< /Length {len(text)} >>\nstream\n".encode() + text + b"\nendstream"


def _escaped(line: str) -> bytes:
    plain = line.encode("cp1252", "replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _file(bodies: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
