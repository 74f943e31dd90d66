"""The chapter of who somebody is: a phone, a code app, a program with a key, a partner's program, a browser."""

import base64
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pyotp

from local.visitor import NotSeen, Visitor, newcomer, seen


@dataclass(slots=True)
class Identity:
    """What Ida does with her account; `visitor` lends addresses and connection."""

    visitor: Visitor
    tag: str
    ida: Visitor = field(init=False)
    organization: str = ""
    callback: ClassVar[str] = "http://127.0.0.1:9/callback"

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("Cora signs up by phone, with the code of a text message", self.cora_signs_up_by_phone),
            ("Gil signs in with Google, and is known when he comes back", self.gil_signs_in_with_google),
            ("Ida adds a code app; her password alone is not enough", self.ida_adds_a_code_app),
            ("A program with an API key reads, and may not write", self.a_key_reads),
            ("A partner's program acts for Ida, until she ends it", self.a_partner_is_let_in),
            ("A browser acts by cookie; a foreign page does not", self.a_browser_acts),
        )

    async def cora_signs_up_by_phone(self) -> str:
        """Sign up with a number, read the text on the phone, prove the number, sign in."""
        number = f"+49151{int(self.tag, 16) % 10**8:08d}"
        cora = Visitor(self.visitor.addresses, self.visitor.http, "")
        body = {"phone": number, "password": cora.password}
        asked = (await cora.call("POST", "/v1/accounts", expect=202, json=body)).json()

        async def look() -> str | None:
            answer = await cora.http.get(f"{cora.addresses.sandbox}/telnyx/control/messages", params={"to": number})
            texts = answer.json()["items"]
            return str(texts[0]["text"])[:6] if texts else None

        proof = {"request_token": asked["request_token"], "code": await seen(f"a text to {number}", look)}
        await cora.call("POST", "/v1/accounts/verify-phone", expect=200, json=proof)
        await cora.call("POST", "/v1/accounts/verify-phone", expect=410, json=proof)
        await cora.call("POST", "/v1/sessions", expect=201, json=body)
        return "the code is good once; she signs in by her number"

    async def gil_signs_in_with_google(self) -> str:
        """To the provider's page and back, twice: an account at once, and the same one the second time."""
        subject, email = str(10**20 + int(self.tag, 16)), f"gil.{self.tag}@example.com"
        person = {"sub": subject, "email": email, "email_verified": True}
        added = await self.visitor.http.post(f"{self.visitor.addresses.sandbox}/google/control/people", json=person)
        added.raise_for_status()
        first, second = await self._through_google(subject), await self._through_google(subject)
        if first["user_id"] != second["user_id"]:
            raise NotSeen("he is somebody else the second time")
        gil = Visitor(self.visitor.addresses, self.visitor.http, "", access_token=second["access_token"])
        me = (await gil.call("GET", "/v1/me", expect=200)).json()
        if (me["email"], me["verified"]) != (email, True):
            raise NotSeen(f"he is {me}")
        return "an account with a proven address and no password, the same one both times"

    async def ida_adds_a_code_app(self) -> str:
        """Add it, sign in anew: the password is answered with what is owed, the code with tokens, once."""
        self.ida = await newcomer(self.visitor.addresses, self.visitor.http, f"ida.{self.tag}@example.com")
        self.organization = (await self.ida.found(f"Ida's {self.tag}"))["id"]
        app = (await self.ida.call("POST", "/v1/me/factors/totp", expect=201, json={"name": "Phone"})).json()
        codes = pyotp.TOTP(app["secret"])
        first = {"code": codes.at(_issued(self.ida.access_token)), "end_other_sessions": False}
        path = f"/v1/me/factors/totp/{app['id']}/activate"
        recovery = (await self.ida.call("POST", path, expect=200, json=first)).json()["recovery_codes"]
        sign_in = {
            "email": self.ida.email,
            "password": self.ida.password,
            "organization_id": self.organization,
        }
        owed = (await self.ida.call("POST", "/v1/sessions", expect=202, json=sign_in)).json()
        used = {"sign_in_token": owed["sign_in_token"], "factor": "totp", "code": first["code"]}
        await self.ida.call("POST", "/v1/sessions/second-factor", expect=401, json=used)
        shown = {"sign_in_token": owed["sign_in_token"], "factor": "recovery_code", "code": recovery[0]}
        tokens = (await self.ida.call("POST", "/v1/sessions/second-factor", expect=201, json=shown)).json()
        self.ida.access_token, self.ida.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return f"owed: {', '.join(owed['factors'])}; a used code is refused"

    async def a_key_reads(self) -> str:
        """Make a key that may read posts; junk is refused, writing too, and once ended it is dead."""
        body = {"name": "Report", "role": "editor", "scopes": ["posts:read"]}
        path = f"/v1/organizations/{self.organization}/api-keys"
        made = (await self.ida.call("POST", path, expect=201, json=body)).json()
        program = Visitor(self.ida.addresses, self.ida.http, "", access_token=made["key"])
        await program.call("GET", "/v1/posts", expect=200)
        await program.call("POST", "/v1/posts", expect=403, json={})
        await self.ida.call("DELETE", f"{path}/{made['id']}", expect=204)
        await seen("the ended key is refused", lambda: _refused(program, "/v1/posts"))
        return f"{made['key'][:8]}… reads posts; 403 for writing; 401 once ended"

    async def a_partner_is_let_in(self) -> str:
        """Code and PKCE: Ida agrees to what is asked; the program's token is narrowed to it, and ends with it."""
        path = f"/v1/organizations/{self.organization}/oauth-clients"
        registered = {
            "name": "Planner",
            "redirect_uris": [self.callback],
            "scopes": ["posts:read", "contacts:read"],
        }
        client = (await self.ida.call("POST", path, expect=201, json=registered)).json()
        verifier = secrets.token_urlsafe(48)
        tokens = await self._granted(client, verifier, await self._asked(client, verifier))
        program = Visitor(self.ida.addresses, self.ida.http, "", access_token=tokens["access_token"])
        await program.call("GET", "/v1/posts", expect=200)
        await program.call("GET", "/v1/contacts", expect=403)
        await self.ida.call("DELETE", f"/v1/me/authorized-apps/{client['id']}", expect=204)
        await seen("the program is refused", lambda: _refused(program, "/v1/posts"))
        return f"granted {tokens['scope']}; 403 beyond it; 401 once Ida ended it"

    async def a_browser_acts(self) -> str:
        """Sign in for cookies; what changes something needs the page's token, whatever cookies come along."""
        person = await newcomer(self.ida.addresses, self.ida.http, f"bea.{self.tag}@example.com")
        body = {"email": person.email, "password": person.password}
        person.access_token = ""
        answer = await person.call("POST", "/v1/sessions", expect=201, json=body, headers={"session-mode": "cookie"})
        jar = "; ".join(line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))
        person.http.cookies.clear()
        page = {"cookie": jar, "origin": person.addresses.gateway}
        made = {"name": "By cookie"}
        foreign = page | {"origin": "https://evil.example.net"}
        await person.call("POST", "/v1/organizations", expect=403, json=made, headers=foreign)
        await person.call("POST", "/v1/organizations", expect=403, json=made, headers=page)
        own = page | {"x-csrf-token": answer.json()["csrf_token"]}
        await person.call("POST", "/v1/organizations", expect=201, json=made, headers=own)
        if answer.json()["access_token"] or "HttpOnly" not in answer.headers["set-cookie"]:
            raise NotSeen("a page could read the tokens")
        return "403 for a foreign page and without the token of the page, 201 with it"

    async def _through_google(self, subject: str) -> dict[str, Any]:
        browser = Visitor(self.visitor.addresses, self.visitor.http, "")
        begun = (await browser.call("POST", "/v1/sessions/federated", expect=201, json={"provider": "google"})).json()
        there = await browser.http.get(f"{begun['authorization_url']}&approve={subject}")
        back = await browser.http.get(there.headers["location"])
        brought = parse_qs(urlsplit(back.headers["location"]).fragment)
        body = {"code": brought["federation_code"][0], "request_token": begun["request_token"]}
        tokens: dict[str, Any] = (
            await browser.call("POST", "/v1/sessions/federated/complete", expect=201, json=body)
        ).json()
        return tokens

    async def _asked(self, client: dict[str, Any], verifier: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": client["id"],
            "redirect_uri": self.callback,
            "scope": "posts:read",
            "state": self.tag,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        answer = await self.ida.call("GET", "/v1/oauth/authorize", expect=303, params=asked)
        return parse_qs(urlsplit(answer.headers["location"]).query)["request"][0]

    async def _granted(self, client: dict[str, Any], verifier: str, request: str) -> dict[str, Any]:
        decision = {"decision": "grant", "organization_id": self.organization}
        path = f"/v1/oauth/authorization-requests/{request}"
        agreed = (await self.ida.call("POST", path, expect=200, json=decision)).json()
        said = parse_qs(urlsplit(agreed["redirect_to"]).query)
        if said["state"] != [self.tag]:
            raise NotSeen(f"the program was answered {said}")
        exchange = {
            "grant_type": "authorization_code",
            "code": said["code"][0],
            "redirect_uri": self.callback,
            "code_verifier": verifier,
        }
        answer = await self.ida.http.post(
            f"{self.ida.addresses.gateway}/v1/oauth/token",
            data=exchange,
            auth=(client["id"], client["client_secret"]),
        )
        answer.raise_for_status()
        tokens: dict[str, Any] = answer.json()
        return tokens


async def _refused(program: Visitor, path: str) -> bool | None:
    return True if (await program.call("GET", path)).status_code == 401 else None


def _issued(access_token: str) -> int:
    """The platform's time, as a token says it."""
    payload = access_token.split(".")[1]
    return int(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iat"])
