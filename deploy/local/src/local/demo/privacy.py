"""The chapter of proof and forgetting: what happened can be checked by anybody, and a person can leave no trace."""

import asyncio
import io
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyzipper

from local.visitor import NotSeen, Visitor, seen
from rostrum_verifier import Bundle, Key, read


@dataclass(slots=True)
class Privacy:
    """What one visitor asks about a person who wrote to them, and `stranger` must never see."""

    visitor: Visitor
    stranger: Callable[[], Visitor]
    conversation: Callable[[], str]
    said: str
    contact: str = ""
    bundle: str = field(default="", repr=False)

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("What is kept about the stranger comes as an encrypted archive", self.the_data_is_exported),
            ("The audit trail is proved by a program that asks nobody", self.the_trail_is_proved),
            ("The stranger is forgotten; nothing of them remains", self.the_person_is_forgotten),
            ("The trail goes on from the proof of before, key and all", self.the_trail_goes_on),
        )

    async def the_data_is_exported(self) -> str:
        """Ask, wait, open the archive with the password that was told once."""
        path = f"/v1/conversations/{self.conversation()}"
        self.contact = (await self.visitor.call("GET", path, expect=200)).json()["contact_id"]
        body = {"person": {"kind": "contact", "id": self.contact}}
        asked = (await self.visitor.call("POST", "/v1/privacy/exports", expect=201, json=body)).json()
        export = f"/v1/privacy/exports/{asked['id']}"
        await seen("the archive", lambda: self._in_state(export, "ready"))
        content = (await self.visitor.call("GET", f"{export}/archive", expect=200)).content
        entries = _opened(content, asked["password"])
        if self.said not in {row.get("text") for row in json.loads(entries["inbox/messages.json"])}:
            raise NotSeen(f"the archive holds {sorted(entries)}, but not what was said")
        await self.stranger().call("GET", f"{export}/archive", expect=404)
        return f"{len(entries)} entries, {len(content)} bytes, AES-256; 404 for Eve"

    async def the_trail_is_proved(self) -> str:
        """Export the trail and let the stand-alone verifier judge it, honest and doctored."""
        self.bundle = await self._trail()
        told = await self._judged(self.bundle)
        if not told["ok"]:
            raise NotSeen(f"the verifier says {told}")
        lines = self.bundle.splitlines(keepends=True)
        doctored = "".join(line for number, line in enumerate(lines) if number != len(lines) // 2)
        if (await self._judged(doctored))["ok"]:
            raise NotSeen("a trail without one of its entries passed")
        return f"{len(lines) - 2} entries hold; with one taken out they do not"

    async def the_person_is_forgotten(self) -> str:
        """Erase without a grace, wait for every service, and look for the person behind every door."""
        body = {"person": {"kind": "contact", "id": self.contact}, "grace_days": 0}
        asked = (await self.visitor.call("POST", "/v1/privacy/erasures", expect=201, json=body)).json()
        erasure = f"/v1/privacy/erasures/{asked['id']}"
        await seen("the end of the erasure", lambda: self._in_state(erasure, "finished"))
        for path in (f"/v1/contacts/{self.contact}", f"/v1/conversations/{self.conversation()}"):
            await self.visitor.call("GET", path, expect=404)
        listed = (await self.visitor.call("GET", "/v1/conversations", expect=200)).json()["items"]
        if any(each["contact_id"] == self.contact for each in listed):
            raise NotSeen("a conversation with the person is still listed")
        again = {"person": body["person"]}
        await self.visitor.call("POST", "/v1/privacy/exports", expect=409, json=again)
        answers = (await self.visitor.call("GET", erasure, expect=200)).json()["answers"]
        removed = sum(sum(answer["removed"].values()) for answer in answers)
        return f"{removed} rows removed, {len(answers)} services counted none left; 404 for contact and conversation"

    async def the_trail_goes_on(self) -> str:
        """The destroyed key is on record, in a log that only grew."""
        keys = [Key.from_text(each) for each in await self._keys()]
        size = read(self.bundle.splitlines(), keys).checkpoint.size

        async def look() -> str | None:
            found = await self._trail(older_size=size)
            wanted = {"compliance.key.destroyed", "compliance.erasure.finished"}
            return found if wanted <= _actions(read(found.splitlines(), keys)) else None

        later = await seen("the destroyed key in the audit trail", look)
        told = await self._judged(later, older=self.bundle)
        if not told["ok"]:
            raise NotSeen(f"the verifier says {told}")
        return f"the destroyed key is proved; the log only grew since its {size} entries"

    async def _in_state(self, path: str, wanted: str) -> bool | None:
        return True if (await self.visitor.call("GET", path, expect=200)).json()["state"] == wanted else None

    async def _trail(self, older_size: int = 0) -> str:
        path = f"/v1/audit/bundle?limit=1000{f'&older_size={older_size}' if older_size else ''}"
        return (await self.visitor.call("GET", path, expect=200)).text

    async def _keys(self) -> list[str]:
        return list((await self.visitor.call("GET", "/v1/audit/log/keys", expect=200)).json()["keys"])

    async def _judged(self, bundle: str, older: str = "") -> Any:
        keys = await self._keys()
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / name for name in ("bundle.ndjson", "older.ndjson")]
            for path, text in zip(paths, (bundle, older), strict=True):
                path.write_text(text, encoding="utf-8")
            known = [argument for key in keys for argument in ("--key", key)]
            earlier = ["--older", str(paths[1])] if older else []
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "rostrum_verifier",
                *known,
                *earlier,
                "--json",
                str(paths[0]),
                stdout=asyncio.subprocess.PIPE,
            )
            told, _ = await process.communicate()
        return {**json.loads(told), "ok": process.returncode == 0}


def _opened(archive: bytes, password: str) -> dict[str, bytes]:
    with pyzipper.AESZipFile(io.BytesIO(archive)) as opened:
        opened.setpassword(password.encode())
        return {name: opened.read(name) for name in opened.namelist()}


def _actions(bundle: Bundle) -> set[str]:
    return {str(json.loads(entry.leaf)["action"]) for entry in bundle.entries}
