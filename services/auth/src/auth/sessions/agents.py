"""What a user agent is called among people: the browser or program and the system, of those that are common."""

import re
from dataclasses import dataclass
from typing import Final

_BROWSERS: Final = (
    ("Edge", re.compile(r"\bEdg(?:A|iOS|e)?/")),
    ("Opera", re.compile(r"\b(?:OPR|Opera)/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bVersion/[\d.]+.*\bSafari/")),
)
_SYSTEMS: Final = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac ?OS X\b|\bMacintosh\b|\bDarwin/")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)
_PRODUCT: Final = re.compile(r"([A-Za-z][A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])/")


@dataclass(frozen=True, slots=True)
class Agent:
    """A program and the system it runs on, as far as it says."""

    program: str | None
    system: str | None


def read(user_agent: str) -> Agent:
    """The words for a user agent; a program that is no browser is called as it calls itself."""
    system = next((name for name, sign in _SYSTEMS if sign.search(user_agent)), None)
    browser = next((name for name, sign in _BROWSERS if sign.search(user_agent)), None)
    if browser is None and not user_agent.startswith("Mozilla/"):
        product = _PRODUCT.match(user_agent)
        browser = product.group(1) if product else None
    return Agent(browser, system)
