"""What can go wrong between a service and its broker."""

from collections.abc import Mapping, Sequence

from kit.errors import TransientError


class BrokerLost(TransientError):
    """The message broker cannot be reached, or the connection to it broke.

    What was published and not confirmed on that connection may or may not have arrived.
    """

    code = "broker-unavailable"


class PublishRefused(TransientError):
    """The broker took every message but these: `refused` maps their place in the batch to the reason."""

    code = "publish-refused"

    def __init__(self, refused: Mapping[int, str]) -> None:
        super().__init__(f"{len(refused)} messages refused: {', '.join(sorted(set(refused.values())))}.")
        self.refused = refused


class HistoryAway(TransientError):
    """The stream of history did not take its entry; events that are not in it would be missing in a replay."""

    code = "history-away"


class TopologyConflict(Exception):
    """A queue or exchange exists with other arguments than ours; it is never redeclared."""

    def __init__(self, name: str, answer: str) -> None:
        super().__init__(
            f"{name} exists with other arguments and was left as it is ({answer}). Put the old arguments back, "
            f"or stop relays and consumers, wait until it is empty, delete it, and run `topology` again."
        )
        self.name = name


class TopologyIncomplete(TransientError):
    """Queues are missing: an event published before its queue exists is lost to that subscriber."""

    code = "topology-incomplete"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"Run `topology` first: there is no {', no '.join(missing)}.")
        self.missing = tuple(missing)
