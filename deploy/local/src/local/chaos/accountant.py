"""Compares what was promised with what both sides' books say; a pure function of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from contracts.consumers import CONSUMERS
from contracts.registry import EVENTS
from kit.messaging.topology import Topology
from local.chaos import books
from local.chaos.books import Book
from local.chaos.cents import Cents
from local.chaos.comparing import Line, compare
from local.chaos.evidence import Evidence, Fact
from local.chaos.hearing import Browser, Partner
from local.state import SERVICES

_SLACK: Final = 1.0  # seconds by which an event and a browser's clock may differ
_MAILS_AT_MOST: Final = {"account": 2}  # of one mail; every other category at most once
_LEFT_US: Final = ("sent", "delivered", "read")


@dataclass(slots=True)
class Accounts:
    """All books of one run."""

    book: Book
    evidence: Evidence
    topology: Topology
    partners: Sequence[Partner]
    browsers: Sequence[Browser]
    _tables: dict[str, list[tuple[Any, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self._tables = self.evidence.tables

    def lines(self) -> list[Line]:
        """Every comparison, in the order in which a reader asks."""
        return [
            *self._accepted(),
            self._posts_live(),
            self._replies_sent(),
            self._incoming(),
            self._mails(),
            *Cents(self.book, self.evidence).lines(),
            *self._facts(),
            self._history(),
            self._applied(),
            *self._projections(),
            self._partners(),
            self._browsers(),
            Line("organizations saw only their own", self.book.probes, self.book.probes, (), (), self.book.strangers),
            Line("answers that nobody expects", 0, len(self.book.odd), (), (), self.book.odd, self._answers()),
            Line("left over or given up", 0, len(self.evidence.left), (), (), self.evidence.left),
        ]

    def everybody_has_heard(self) -> bool:
        """Whether partners and browsers have been told everything by now."""
        return not self._partners().lost and not self._browsers().lost

    def _column(self, table: str, place: int, where: Callable[[tuple[Any, ...]], bool] = lambda _: True) -> list[str]:
        return [str(row[place]) for row in self._tables[table] if where(row)]

    def _kept(self, what: str, kind: str, found: Iterable[str]) -> Line:
        """What was accepted is there once; what was never answered may be; what was refused is not."""
        allowed = self.book.asked[kind] - self.book.refused[kind]
        twins = [twin for twin in self.book.twins if twin.startswith(f"{kind} ")]
        open_ones = len(allowed) - self.book.count(kind)
        note = f"{open_ones} never answered" if open_ones else ""
        return compare(what, self.book.accepted[kind], Counter(found), allowed, unexplained=twins, note=note)

    def _accepted(self) -> list[Line]:
        ids = self.book.accepted[books.REPLY].values()
        members = set(self.book.accepted[books.MEMBER]) - self.book.removed
        joined = self._column("members", 4, lambda row: row[2] == "editor")
        may_be = self.book.asked[books.MEMBER] - self.book.removed
        ours = self._column("messages", 0, lambda row: row[1] == "out")
        return [
            self._kept("organizations created", books.ORGANIZATION, self._column("organizations", 1)),
            self._kept("people verified", books.PERSON, self._column("people", 0)),
            self._kept("invitations made", books.INVITATION, self._column("invitations", 1)),
            compare("members joined, not removed", members, Counter(joined), may_be),
            self._kept("posts taken", books.POST, self._column("posts", 1)),
            compare("replies taken", ids, Counter(ours), self.book.asked[books.REPLY_ID]),
        ]

    def _posts_live(self) -> Line:
        by_status: dict[str, list[str]] = {}
        for _, text, account, status, _ in self._tables["deliveries"]:
            by_status.setdefault(status, []).append(f"{text} @ {self.evidence.pages.get(account, account)}")
        unsure = by_status.get("unconfirmed", [])
        failed = [f"failed {row[4]}: {row[1]}" for row in self._tables["deliveries"] if row[3] == "failed"]
        return compare(
            "posts live at LinkedIn, once",
            by_status.get("published", []),
            self.evidence.posts,
            unsure,
            unexplained=failed,
            note=f"{len(unsure)} unconfirmed" if unsure else "",
        )

    def _replies_sent(self) -> Line:
        marks = {found: mark for mark, found in self.book.accepted[books.REPLY].items()}
        ours = [row for row in self._tables["messages"] if row[1] == "out" and row[0] in marks]
        sent = [marks[row[0]] for row in ours if row[2] in _LEFT_US]
        unsure = [marks[row[0]] for row in ours if row[2] == "unconfirmed"]
        failed = [f"failed {row[3]}: {marks[row[0]]}" for row in ours if row[2] == "failed"]
        never = self.book.asked[books.REPLY] - set(self.book.accepted[books.REPLY])
        note = f"{len(unsure)} unconfirmed" if unsure else ""
        return compare(
            "replies at WhatsApp, once", sent, self.evidence.replies, [*unsure, *never], unexplained=failed, note=note
        )

    def _incoming(self) -> Line:
        shown = [text for texts in self.evidence.conversations.values() for text in texts]
        upset = [
            f"order of {texts[0].partition(' of ')[2]}: {before} before {after}"
            for texts in self.evidence.conversations.values()
            for before, after in pairwise(texts)
            if _count(before) > _count(after)
        ]
        said = self.book.accepted[books.SAID]
        return compare(
            "messages received, once, in order", said, Counter(shown), self.book.asked[books.SAID], unexplained=upset
        )

    def _mails(self) -> Line:
        """Sent: it arrived; unconfirmed: it may have; never more often than its category promises."""
        known = {str(row[0]).strip("<>"): row for row in self._tables["mails"]}
        arrived = Counter({each.strip("<>"): count for each, count in self.evidence.mails.items()})
        sent = [each for each, row in known.items() if row[2] == "sent"]
        doubled = [f"{each} {n} times" for each, n in arrived.items() if n > _most(known.get(each))]
        twice = sum(count > 1 for count in arrived.values())
        statuses = Counter(str(row[2]) for row in known.values() if row[2] != "sent")
        told = [f"{twice} twice"] * bool(twice) + [f"{count} {status}" for status, count in statuses.items()]
        return Line(
            "mails, no more often than promised",
            len(sent),
            arrived.total(),
            lost=[each for each in sent if not arrived[each]],
            doubled=doubled,
            unexplained=[each for each in arrived if each not in known],
            note=", ".join(told),
        )

    def _facts(self) -> list[Line]:
        """Each row's event was published under one id; no event without its row."""
        kinds = {
            "auth.organization.created.v1": self._column("organizations", 0),
            "auth.invitation.created.v1": self._column("invitations", 0),
            "auth.member.added.v1": [
                *self._column("members", 0),
                *(fact.subject for fact in self.evidence.facts if fact.type == "auth.member.removed.v1"),
            ],
            "publisher.post.scheduled.v1": self._column("posts", 0),
            "publisher.post.published.v1": self._column("deliveries", 0, lambda row: row[3] == "published"),
            "inbox.conversation.opened.v1": self._column("conversations", 0),
            "inbox.message.received.v1": self._column("messages", 0, lambda row: row[1] == "in"),
            "inbox.message.sent.v1": self._column("messages", 0, lambda row: row[2] in _LEFT_US and row[1] == "out"),
            **Cents(self.book, self.evidence).facts(),
        }
        expected = [f"{kind} {subject}" for kind, subjects in kinds.items() for subject in subjects]
        seen = Counter(f"{fact.type} {fact.mark}" for fact in self.evidence.facts if fact.type in kinds)
        return [compare("facts told, under one id each", expected, seen, note=f"{len(self.evidence.facts)} events")]

    def _history(self) -> Line:
        """A replay finds every event."""
        ids = {fact.id for fact in self.evidence.facts}
        missing = sorted(ids - self.evidence.history)
        return Line("events in the history", len(ids), len(ids) - len(missing), missing)

    def _applied(self) -> Line:
        readers = {event.type: names for event, names in CONSUMERS.items()}
        expected = [
            f"{self.topology.queue(reader, fact.type)} {fact.id}"
            for fact in self.evidence.facts
            for reader in readers.get(fact.type, ())
        ]
        earlier = self.evidence.history - {fact.id for fact in self.evidence.facts}  # said before we listened
        rows = [row for name in SERVICES for row in self._tables[f"{name}_processed"]]
        seen = Counter(f"{queue} {message}" for queue, message in rows if message not in earlier)
        return compare("events applied by each subscriber, once", expected, seen)

    def _projections(self) -> list[Line]:
        organizations = self._column("organizations", 0)
        members = [f"{row[0]} {row[2]} {row[3]}" for row in self._tables["members"]]
        inbox = Counter(f"{row[0]} {row[1]} {row[2]}" for row in self._tables["inbox_members"])
        return [
            compare("organizations known to billing", organizations, Counter(self._column("billed", 0))),
            compare("organizations with a plan", organizations, Counter(self._column("entitled", 0))),
            compare("seats counted by billing", self._column("members", 0), Counter(self._column("seats", 0))),
            compare("members known to the inbox", members, inbox),
        ]

    def _partners(self) -> Line:
        expected, allowed, seen = list[str](), list[str](), Counter[str]()
        for partner in self.partners:
            told = self._of(partner.organization, lambda kind: kind.audience == "partners")
            opened = next((fact.time for fact in told if fact.type == "publisher.partner_queue.opened.v1"), 0.0)
            allowed += [fact.id for fact in told]
            expected += [fact.id for fact in told if fact.time >= opened]
            seen.update(partner.heard)
        foreign = [each for partner in self.partners for each in partner.foreign]
        twins = sum(partner.twins for partner in self.partners)
        note = f"{twins} came twice with the same id" if twins else ""
        return compare("events at partners", expected, seen, allowed, unexplained=foreign, note=note)

    def _browsers(self) -> Line:
        """What a browser was not told must have happened before it was told to load anew."""
        expected, seen, allowed, twice = list[str](), Counter[str](), list[str](), list[str]()
        for number, browser in enumerate(self.browsers):
            mine = self._of(browser.organization, lambda kind: kind.browsers is not None and "owner" in kind.browsers)
            begin = max(browser.since or 0.0, browser.loaded) + _SLACK
            expected += [f"{number} {fact.id}" for fact in mine if fact.time > begin]
            allowed += [f"{number} {fact.id}" for fact in mine]
            seen.update(f"{number} {each}" for each in browser.told)
            twice += browser.twice
        resets = sum(browser.resets for browser in self.browsers)
        returns = sum(browser.connections - 1 for browser in self.browsers)
        foreign = [each for browser in self.browsers for each in browser.foreign]
        note = f"{resets} told to load anew, {returns} returns"
        return compare("events at browsers", expected, seen, allowed, unexplained=[*foreign, *twice], note=note)

    def _of(self, organization: str, where: Callable[[Any], bool]) -> list[Fact]:
        kinds = {event.type for event in EVENTS if where(event)}
        return [fact for fact in self.evidence.facts if fact.organization == organization and fact.type in kinds]

    def _answers(self) -> str:
        counts = (f"{count} of {answer}" for answer, count in sorted(self.book.answers.items()))
        return ", ".join([*counts, f"the slowest after {self.book.longest:.1f} s"])


def _count(mark: str) -> int:
    return int(mark.split(" ")[1])


def _most(mail: Sequence[Any] | None) -> int:
    return _MAILS_AT_MOST.get(str(mail[1]) if mail else "", 1)
