"""What the outside world saw, beside what the inbox says became of each recipient."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from benchmarks.broadcast_chaos.fate import FAILED_CODE, REFUSED_CODE
from benchmarks.broadcast_chaos.setting import Setting

REACHED: Final = ("sent", "delivered", "read")
UNREACHED: Final = ("failed", "skipped", "cancelled", "unconfirmed")
ANSWERED, LOST, REFUSED, NOTHING = "arrived, answered", "arrived, answer lost", "refused", "did not arrive"


@dataclass(frozen=True, slots=True)
class Seen:
    """One recipient from both sides."""

    outside: str
    times: int
    told: frozenset[str]
    state: str
    code: str
    sort: str


@dataclass(frozen=True, slots=True)
class Books:
    """Both sides of one broadcast; `strangers` are effects of nobody, `counts` what its page shows."""

    recipients: Mapping[str, Seen]
    rows: int
    contacts: int
    strangers: Sequence[str]
    numbers: Mapping[str, int]
    counts: Mapping[str, int]
    copies: int
    allowance: Mapping[str, int]

    def faults(self, expected: int) -> list[str]:
        """Everything that must not be; empty when nobody got it twice and nobody is forgotten."""
        found = [f"{ours} got it {each.times} times" for ours, each in self.recipients.items() if each.times > 1]
        found += [f"number …{number[-4:]} got it {n} times" for number, n in self.numbers.items() if n > 1]
        found += [f"an effect of nobody: {ours}" for ours in self.strangers]
        if {self.rows, self.contacts, len(self.recipients)} != {expected}:
            found.append(f"{self.rows} rows of {self.contacts} contacts, not of {expected}")
        for ours, each in self.recipients.items():
            found += [f"{ours} {wrong}: {each}" for wrong in _wrongs(each)]
        states = Counter(each.state for each in self.recipients.values())
        shown = {name: self.counts[name] for name in ("unconfirmed", "failed", "skipped", "waiting", "unknown")}
        for name, n in shown.items():
            if states.get(name, 0) != n:
                found.append(f"its page shows {n} {name}, its recipients {states.get(name, 0)}")
        reached = sum(each.state in REACHED for each in self.recipients.values())
        if (self.allowance["used"], self.allowance["reserved"]) != (reached, 0):
            found.append(f"{reached} got it, and of the plan is taken {self.allowance}")
        return found

    def table(self) -> Table:
        """Done, settled, unconfirmed: by what happened outside."""
        table = Table("outside", box=None, header_style="bold", pad_edge=False)
        columns: Mapping[str, Callable[[Seen], bool]] = {
            "recipients": lambda _: True,
            "done": lambda one: one.state in REACHED and one.outside == ANSWERED,
            "settled": lambda one: one.outside != ANSWERED and one.state in REACHED,
            "failed": lambda one: one.state in ("failed", "skipped", "cancelled"),
            "unconfirmed": lambda one: one.state == "unconfirmed",
            "open": lambda one: one.state not in (*REACHED, *UNREACHED),
            "twice": lambda one: one.times > 1,
        }
        for column in columns:
            table.add_column(column, justify="right")
        everybody = list(self.recipients.values())
        for name in (ANSWERED, LOST, REFUSED, NOTHING, "all"):
            own = [each for each in everybody if name in ("all", each.outside)]
            table.add_row(name, *(f"{sum(map(fits, own)):,}" for fits in columns.values()))
        return table


def _wrongs(one: Seen) -> list[str]:
    """What cannot be so, of one recipient."""
    checks = {
        "has no end": one.state not in (*REACHED, *UNREACHED),
        "has no reason": one.state in UNREACHED and not (one.code and one.sort),
        "is said to have it": one.state in REACHED and not one.times,
        "is known to have it, and does not say so": "delivered" in one.told
        and one.state not in ("delivered", "read"),
        "was reported as failed": "failed" in one.told and (one.state, one.code) != ("failed", str(FAILED_CODE)),
        "was settled by nothing": one.outside == LOST and not one.told and one.state != "unconfirmed",
        "failed by nothing": one.state == "failed" and one.outside != REFUSED and "failed" not in one.told,
        "was refused": one.outside == REFUSED
        and (one.state, one.code) not in (("failed", str(REFUSED_CODE)), ("unconfirmed", "unconfirmed")),
        "is unconfirmed although it was reported": one.state == "unconfirmed" and bool(one.told),
        "is neither sent nor unconfirmed": one.times > 0
        and not one.told
        and one.state not in ("sent", "unconfirmed"),
    }
    return [wrong for wrong, is_so in checks.items() if is_so]


async def books(setting: Setting, broadcast_id: str) -> Books:
    """Read both sides."""
    record = await setting.record()
    rows = await setting.listed(f"/v1/broadcasts/{broadcast_id}/recipients")
    shown = await setting.ask("GET", f"/v1/broadcasts/{broadcast_id}")
    times = Counter(ours for ours, _ in record["effects"])
    lost, refused = set(record["lost"]), set(record["refused"])

    def outside(ours: str) -> str:
        if times[ours]:
            return LOST if ours in lost else ANSWERED
        return REFUSED if ours in refused else NOTHING

    seen = {
        row["id"]: Seen(
            outside(row["id"]),
            times[row["id"]],
            frozenset(record["told"].get(row["id"], ())),
            row["state"],
            row["code"],
            row["sort"],
        )
        for row in rows
    }
    return Books(
        seen,
        len(rows),
        len({row["contact_id"] for row in rows}),
        sorted(times.keys() - seen.keys()),
        Counter(number for _, number in record["effects"]),
        shown["counts"],
        record["copies"],
        (await setting.ask("GET", "/v1/channels/allowances"))["items"][0],
    )
