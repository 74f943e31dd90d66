"""What people and a team write to each other as WhatsApp tells it: the same items for the same seed."""

import random
from dataclasses import dataclass, field
from typing import Any, Final

NUMBER, ACCOUNT = "100000000000001", "200000000000001"
BEGAN: Final = 1_790_000_000

Change = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """What happens: so many items over so many conversations, the same for the same seed."""

    items: int
    conversations: int
    seed: int = 7

    def changes(self) -> list[Change]:
        """Every item as WhatsApp tells it, in the order in which it happened."""
        chance = random.Random(self.seed)
        people = [
            _Person(f"1650{number:07d}", random.Random(f"{self.seed}/{number}"))
            for number in range(self.conversations)
        ]
        return [
            (people[number] if number < len(people) else chance.choice(people)).next(number)
            for number in range(self.items)
        ]

    def assignments(self) -> dict[str, int]:
        """Which person's conversation is given to which agent: one in five."""
        return {f"1650{number:07d}": number % 7 for number in range(0, self.conversations, 5)}


@dataclass(slots=True)
class _Person:
    number: str
    chance: random.Random
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    at: int = BEGAN

    def next(self, place: int) -> Change:
        """The next thing between them and the organization; no two of one person in the same second."""
        self.at += 1 + self.chance.randrange(20)
        what = self.chance.random()
        if not self.said or what < 0.60:
            return self._writes(place)
        if what < 0.72:
            return self._marks(place)
        if not self.heard or what < 0.82:
            return self._hears(place)
        return self._reports()

    def _writes(self, place: int) -> Change:
        message = self._message(f"wamid.in.{place}", type="text", text={"body": f"{place} of {self.number}"})
        self.said.append(message["id"])
        return self._told(
            "messages", messages=[message], contacts=[{"wa_id": self.number, "profile": {"name": self.number}}]
        )

    def _marks(self, place: int) -> Change:
        target, kind = self.chance.choice(self.said), self.chance.choice(("reaction", "reaction", "edit", "revoke"))
        part: dict[str, Any] = {"original_message_id": target}
        if kind == "reaction":
            part = {"message_id": target, "emoji": self.chance.choice(("👍", "❤", ""))}
        if kind == "edit":
            part["message"] = {"type": "text", "text": {"body": f"corrected by {place}"}}
        return self._told("messages", messages=[self._message(f"wamid.mark.{place}", type=kind, **{kind: part})])

    def _hears(self, place: int) -> Change:
        """Written on the organization's own telephone."""
        message = {
            "from": "15550001",
            "to": self.number,
            "id": f"wamid.out.{place}",
            "timestamp": str(self.at),
            "type": "text",
            "text": {"body": f"answer {place} to {self.number}"},
        }
        self.heard.append(str(message["id"]))
        return self._told("smb_message_echoes", message_echoes=[message])

    def _reports(self) -> Change:
        told = {
            "id": self.chance.choice(self.heard),
            "status": self.chance.choice(("sent", "delivered", "delivered", "read")),
            "timestamp": str(self.at),
            "recipient_id": self.number,
        }
        return self._told("messages", statuses=[told])

    def _message(self, identity: str, **part: Any) -> dict[str, Any]:
        return {"from": self.number, "id": identity, "timestamp": str(self.at), **part}

    def _told(self, kind: str, **members: Any) -> Change:
        metadata = {"display_phone_number": "15550001", "phone_number_id": NUMBER}
        return {"field": kind, "value": {"messaging_product": "whatsapp", "metadata": metadata, **members}}
