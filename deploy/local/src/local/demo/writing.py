"""The chapter of writing: a voice from ten posts, captions for seven platforms in two languages, a draft."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local.visitor import NotSeen, Visitor, seen

POSTS: Final = (
    "We bake our bread at five every morning, and we love it! Come by and taste it with us, the coffee is free 🥐",
    "Our oven is hot again! We made sourdough for you, slow and by hand, as we always do. Which loaf do you like? 🍞",
    "You asked, we baked! Our rye bread is back, and we saved a warm slice for you. See you Saturday, neighbours! 🥐",
    "We met our miller today! Our flour comes from her field, and you can taste it in every loaf. Hello, Anna! 🌾",
    "Rain outside, warm bread inside! We keep a chair for you by the oven. What would you like with it? ☕",
    "We tried something new for you! Our sourdough has seeds in it now, and we love how it cracks. And you? 🍞",
    "Our apprentice shaped her first hundred rolls today, and we are proud of every one! Come and taste them 🥐",
    "You keep asking for the crust, so we made more of it! Our dark loaf is in the window, and it is still warm 🍞",
    "We close at noon on Sunday, because we want to bake for you again on Monday! Thank you for queueing with us ☕",
    "Our neighbours' children kneaded with us today! We have flour on the ceiling, and you have new rolls 🥐",
)
FAR: Final = (
    "The company hereby announces that the product portfolio shall be extended regarding several comprehensive"
    " specifications, notwithstanding the contractual obligations of the respective distributors."
)
SEVEN: Final = ("facebook", "instagram", "threads", "linkedin", "x", "youtube", "tiktok")
DRAFTED: Final = ("facebook", "linkedin", "threads", "x")
"""Platforms that take a text without a picture."""


@dataclass(slots=True)
class Writing:
    """What Pat has written, who has an account on each platform by now."""

    pat: Callable[[], Visitor]
    accounts: Mapping[str, str]
    voice: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)
    draft: str = ""

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("A brand voice is learned from ten posts", self.a_voice_is_learned),
            ("It tells a text that sounds like it from one that does not", self.it_is_recognized),
            ("Captions for seven platforms in two languages", self.captions_are_written),
            ("The English ones become one draft, each where it belongs", self.a_draft_is_made),
            ("The draft is scheduled", self.it_is_scheduled),
        )

    async def a_voice_is_learned(self) -> str:
        """From texts alone it is ready with the answer."""
        samples = [{"text": each} for each in POSTS]
        body = {"name": "Bakery", "samples": samples, "rules": {"banned_words": ["artisanal"]}}
        self.voice = (await self.pat().call("POST", "/v1/generation/voices", expect=201, json=body)).json()
        version = self.voice["version_shown"]
        if version["state"] != "ready":
            raise NotSeen(f"the voice is {version['state']}: {version['reason']}")
        profile = version["profile"]
        likes = [*profile["vocabulary"][:4], *profile["emoji"][:2]]
        return f"speaks as {profile['person']}, likes {', '.join(likes)}"

    async def it_is_recognized(self) -> str:
        """A score with reasons; no model is asked."""
        near = await self._score("We baked something new for you! Come by and taste it with us, neighbours 🥐")
        far = await self._score(FAR)
        if near["score"] <= far["score"] + 20 or not far["reasons"]:
            raise NotSeen(f"scores are {near['score']} and {far['score']}")
        return f"{near['score']} against {far['score']}: {far['reasons'][0]['says']}"

    async def captions_are_written(self) -> str:
        """One for each platform and language, each in the voice."""
        body = {
            "subject": "A second bakery opens on Saturday by the river",
            "platforms": SEVEN,
            "languages": ["en", "de"],
            "hashtags": 2,
        }
        asked = (await self.pat().call("POST", "/v1/generations", expect=202, json=body)).json()

        async def look() -> dict[str, Any] | None:
            found = (await self.pat().call("GET", f"/v1/generations/{asked['id']}", expect=200)).json()
            return found if found["state"] != "running" else None

        self.generation = await seen("the captions", look)
        if self.generation["state"] != "done" or len(self.generation["texts"]) != 14:
            raise NotSeen(f"{self.generation['state']}: {self.generation['detail']}")
        if self.generation["voice_version"] != f"{self.voice['id']}/1":
            raise NotSeen("they were not written in the voice")
        scores = [each["score"] for each in self.generation["texts"]]
        return f"14 texts by {self.generation['model']}, near to the voice by {min(scores)} to {max(scores)}"

    async def a_draft_is_made(self) -> str:
        """By event: the publisher writes it under the id that was told."""
        accounts = [self.accounts[each] for each in DRAFTED]
        path = f"/v1/generations/{self.generation['id']}/drafts"
        body = {"language": "en", "account_ids": accounts}
        self.draft = (await self.pat().call("POST", path, expect=202, json=body)).json()["post_id"]

        async def look() -> dict[str, Any] | None:
            answer = await self.pat().call("GET", f"/v1/posts/{self.draft}")
            return answer.json() if answer.status_code == 200 else None

        post = await seen("the draft", look)
        wanted = {
            each["platform"]: each["published"] for each in self.generation["texts"] if each["language"] == "en"
        }
        said = {each["platform"]: each["text"] or post["text"] for each in post["deliveries"]}
        wrong = [platform for platform, text in said.items() if text != wanted[platform]]
        if post["status"] != "draft" or len(post["deliveries"]) != len(DRAFTED) or wrong:
            raise NotSeen(f"{post['status']}, {len(post['deliveries'])} deliveries, others on {wrong}")
        return f"draft {self.draft} for {', '.join(DRAFTED)}"

    async def it_is_scheduled(self) -> str:
        """Like any draft."""
        at = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0).isoformat()
        body = {"publish_at": at}
        post = (await self.pat().call("POST", f"/v1/posts/{self.draft}/schedule", expect=200, json=body)).json()
        if post["status"] != "scheduled":
            raise NotSeen(f"it is {post['status']}")
        return f"leaves {post['publish_at']}"

    async def _score(self, text: str) -> dict[str, Any]:
        path = f"/v1/generation/voices/{self.voice['id']}/score"
        found: dict[str, Any] = (await self.pat().call("POST", path, expect=200, json={"text": text})).json()
        return found
