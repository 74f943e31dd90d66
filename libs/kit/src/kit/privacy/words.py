"""The words in which data is described: what it is, about whom, how long it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Classification(StrEnum):
    """What a column or field holds, by the strongest of what may stand in it."""

    IDENTIFIER = "identifier"
    CONTACT_DATA = "contact data"
    CONTENT = "content"
    CREDENTIAL = "credential"
    BEHAVIOURAL = "behavioural"
    FINANCIAL = "financial"
    TECHNICAL = "technical"
    NONE = "none"


class Subject(StrEnum):
    """Whom data is about."""

    USER = "user"
    CONTACT = "contact"
    ADDRESS = "address"


MEANINGS: Final[Mapping[Classification, str]] = MappingProxyType(
    {
        Classification.IDENTIFIER: "Singles out one person: the id of a user, membership, session or contact, the id "
        "of what belongs to one person only, or a keyed hash of their address.",
        Classification.CONTACT_DATA: "By what somebody can be named or reached: a name, an address, a number.",
        Classification.CONTENT: "What people wrote, sent or uploaded, and what may repeat it.",
        Classification.CREDENTIAL: "What opens something: passwords, tokens, keys, or their hashes.",
        Classification.BEHAVIOURAL: "What somebody did, when, in which role, and what they prefer.",
        Classification.FINANCIAL: "What was bought, charged or paid.",
        Classification.TECHNICAL: "How the work is done: ids of things, states, versions, leases, attempts.",
        Classification.NONE: "A fact of the business about no person.",
    }
)
"""What each classification means."""

PERSONAL: Final = frozenset(
    {
        Classification.IDENTIFIER,
        Classification.CONTACT_DATA,
        Classification.CONTENT,
        Classification.BEHAVIOURAL,
    }
)
"""What is about a person: a table that holds some says how it leads to whom."""

PROTECTED: Final = frozenset({Classification.CONTACT_DATA, Classification.CONTENT, Classification.CREDENTIAL})
"""What does not lie open without a reason, and never travels open in an event."""

SUBJECTS: Final[Mapping[Subject, str]] = MappingProxyType(
    {
        Subject.USER: "Somebody with an account, by its id.",
        Subject.CONTACT: "Somebody who writes to an organization, by the id of the contact.",
        Subject.ADDRESS: "Somebody of whom only an address is known, by the address or its keyed hash.",
    }
)
"""What each kind of subject means."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows are kept, and what deletes them; `by` is empty where nothing does yet."""

    meaning: str
    by: str = ""


RETENTION: Final[Mapping[str, Retention]] = MappingProxyType(
    {
        "messages": Retention("2 years from the last activity"),
        "contacts": Retention("3 years from the last interaction"),
        "conversations": Retention("2 years after closing"),
        "audit": Retention("7 years"),
        "account": Retention("while the user's account exists"),
        "organization": Retention("while the organization exists"),
        "membership": Retention("while the membership lasts", "the removal of the member"),
        "connection": Retention("while the account or channel is connected", "disconnecting"),
        "wish": Retention("until the wish is taken back or its reason is gone"),
        "requests": Retention("90 days after the request was done", "the loop `purge privacy tasks`"),
        "proof": Retention("7 years: it proves that a request was answered"),
        "archives": Retention("7 days after the archive was made", "the loop `exports expire`"),
        "operator": Retention("until an operator needs it no more"),
        "schema": Retention("while the schema exists"),
        "work": Retention("until the work is done, mostly milliseconds", "whoever does the work"),
        "one hour": Retention("1 hour after it happened", "the sweeper"),
        "answers": Retention("24 hours", "the loop `generations end`"),
        "guesses": Retention(
            "30 days after the last guess, a lock a year; by address and network 1 day", "the sweeper"
        ),
        "activity": Retention("31 days", "the sweeper"),
        "devices": Retention("400 days after the last sign-in on it", "the sweeper"),
        "request keys": Retention("24 hours", "the loop `purge idempotency keys`"),
        "ended sessions": Retention("1 day after the session would have expired", "the sweeper"),
        "consents asked for": Retention("1 day after they expired", "the loop `forget connections`"),
        "links": Retention("7 days after the link expired", "the sweeper"),
        "notices": Retention("90 days after it happened", "the sweeper"),
        "texts": Retention("30 days after it was asked for", "the sweeper"),
        "history": Retention("7 days in the broker's history", "the broker"),
        "seen messages": Retention("14 days", "the loop `purge messages`"),
        "mails": Retention("30 days after it is known what became of the mail", "the loop `forget mails`"),
        "intake": Retention("30 days; what is in doubt 90 days", "the loop `intake purge`"),
        "held submissions": Retention("30 days", "the loop `inbox.held.purge`"),
        "visits": Retention("90 days after the browser was last there", "the loop `inbox.visitors.purge`"),
        "ledger": Retention("90 days after the end; what nobody could confirm stays", "the loop `ledger purge`"),
        "figures": Retention("3 years", "the loop `statistics`"),
        "counted facts": Retention("60 days", "the loop `statistics`"),
        "suspensions": Retention("while the account or organization exists", "the erasure of the user"),
        "impersonations": Retention("2 years after they ended", "the sweeper"),
        "staff": Retention("while somebody is of the staff", "the removal from the staff"),
        "attempts of staff": Retention("2 hours after the last attempt", "the sweeper"),
        "staff exports": Retention("24 hours after the list was asked for", "the loop `lists of staff expire`"),
        "accounts": Retention("10 years after the end of the year, as tax law demands; no erasure shortens it"),
        "purchases": Retention("1 day when nothing was paid; else until it is claimed", "the ledger"),
        "exported files": Retention("until a day after the export has ended", "the loop `inbox.exports.sweep`"),
        "imported files": Retention("until the import has ended, two days at most", "the loop `inbox.imports.sweep`"),
        "jobs": Retention("90 days after the end", "the loop `jobs purge`"),
        "signing keys": Retention("80 minutes after the next key began to sign", "the loop `keys`"),
    }
)
"""Every retention class there is."""
