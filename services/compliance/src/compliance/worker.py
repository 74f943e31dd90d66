"""The background of compliance: what it hears, and what it does on its own."""

from collections.abc import Sequence
from typing import Any, Final

from kit.messaging.subscription import Subscription

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = ()
