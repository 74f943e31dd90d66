"""What may become of a message to a visitor: it lies with us until it is fetched, so little can go wrong."""

from typing import Final

from inbox.channels.catalogue import Catalogue, Rule

ERRORS: Final = Catalogue("Web chat", {}, anything=Rule("our_bug", "This message cannot be shown."))
