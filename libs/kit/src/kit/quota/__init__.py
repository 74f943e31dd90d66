"""Quotas: what an organization may use, kept beside the work that uses it; no other service is asked.

    await quota.reserve(tx, POSTS, 1, post_id)   # in the transaction that takes the work in
    await quota.settle(tx, post_id)              # in the one that records that it was done
    await quota.release(tx, post_id)             # or in the one that records that it will not be

    await quota.take(tx, ACCOUNTS)               # what is held, and given back when it is let go
    await quota.give_back(tx, ACCOUNTS)

Each meter has one owning service, which counts it. The limits are a snapshot that billing pushes whenever it changes
(`snapshot.on_entitlements`); the last one heard of holds for as long as no newer comes, however old it is, and until
the first one came, `Meter.before_first` holds.
"""

from kit.quota.errors import QuotaExhausted, ReservationGone
from kit.quota.model import Crossing, Meter, Use
from kit.quota.quota import Quota, exhausted
from kit.quota.snapshot import Snapshot, on_entitlements

__all__ = [
    "Crossing",
    "Meter",
    "Quota",
    "QuotaExhausted",
    "ReservationGone",
    "Snapshot",
    "Use",
    "exhausted",
    "on_entitlements",
]
