"""By what the connections of a visitor are woken, in whichever process they end."""

import hashlib


def of_visitor(key: str, value: str) -> str:
    """Something of a visitor's was applied; the words tell nothing of who it is."""
    return "chat-visitor:" + _hidden(key, value)


def of_typing(key: str, value: str) -> str:
    """Somebody of the team writes to a visitor."""
    return "chat-typing:" + _hidden(key, value)


def of_reading(key: str, value: str) -> str:
    """The team has read what a visitor wrote."""
    return "chat-reading:" + _hidden(key, value)


def _hidden(key: str, value: str) -> str:
    return hashlib.sha256(f"{key}\0{value}".encode(errors="surrogatepass")).hexdigest()[:32]
