"""Which processes make up the platform here, and what each is told; nothing is passed on but what stands here."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

from kit.db.provision import with_database
from local.backing import Found, Servers
from local.state import SEALING, SERVICES, State
from local.visitor import Addresses

WORKERS = tuple(f"{service}-worker" for service in SERVICES)
PORTS = ("gateway", "gateway-admin", "sandbox", "mail", *SERVICES)
HOST = "127.0.0.1"
_OPTIONAL = ("OTLP_ENDPOINT", "TRACE_SAMPLE", "LOG_LEVEL")
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "VIRTUAL_ENV", "TMPDIR", "PYTHONPATH")
_POOL_SIZE = 6
_POOL_SIZE_OF_HALVES = 4  # twice as many processes, and still fewer connections than a small server has
_FILE = "addresses.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the platform."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    ready: str
    after: tuple[str, ...] = ()  # who must be ready before it is worth starting

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.ready.rsplit("/", 1)[0]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that depends on ports and servers, computed once for a run."""

    state: State
    servers: Servers
    ports: Mapping[str, int]
    caller: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    split: bool = False  # api and worker of each service as processes of their own, as in production

    def keep(self) -> None:
        """Leave the addresses for commands that come later; they hold passwords."""
        servers = {name: [found.url, found.source] for name, found in self.servers.items()}
        self.state.keep(_FILE, {"servers": servers, "ports": dict(self.ports)})

    @classmethod
    def kept(cls, state: State) -> "Plan | None":
        """The plan of the current or last run; None when there was none."""
        content = state.kept(_FILE)
        if not content:
            return None
        servers = {name: Found(url, source) for name, (url, source) in content["servers"].items()}
        return cls(state, Servers(**servers), content["ports"])

    @property
    def addresses(self) -> Addresses:
        """The doors through which the platform is met from outside."""
        broker = self.servers.rabbitmq.url
        return Addresses(self.url("gateway"), self.url("sandbox"), broker, self.state.namespace)

    def url(self, name: str) -> str:
        """The HTTP address of one part."""
        return f"http://{HOST}:{self.ports[name]}"

    @property
    def admin_url(self) -> str:
        """The administrator's address of our own database."""
        return with_database(self.servers.postgres.url, self.state.database)

    def database_url(self, service: str) -> str:
        """The address for a service's login role; over TCP, as a socket would ask for its account."""
        url = self.servers.postgres.url
        host = parse_qs(urlsplit(url).query).get("host", [""])[0]
        place = f"postgresql://{HOST}:5432/" if host.startswith("/") else url
        role, word = f"{self.state.role_prefix}{service}_app", self.state.secret(f"database_{service}")
        return with_database(place, self.state.database, user=role, password=word)

    def parts(self) -> tuple[Part, ...]:
        """Every process, those that others lean on first."""
        return (
            self._part("sandbox", self.url("sandbox")),
            *(part for name in SERVICES for part in self._service(name)),
            replace(self._part("gateway", self.url("gateway-admin")), after=("auth",)),  # it begins with auth's keys
        )

    def _service(self, name: str) -> tuple[Part, ...]:
        if not self.split:
            return (self._part(name, self.url(name), "all"),)
        beside = f"{name}-worker"
        worker = self._part(name, self.url(beside), "worker")
        told = {**worker.environment, f"{name.upper()}_HTTP_PORT": str(self.ports[beside])}
        return self._part(name, self.url(name), "api"), replace(worker, name=beside, environment=told)

    def _part(self, name: str, address: str, *arguments: str) -> Part:
        return Part(name, self.command(name, *arguments), self.environment(name), f"{address}/readyz")

    @staticmethod
    def command(name: str, *arguments: str) -> tuple[str, ...]:
        """How one of our programs is called."""
        return (sys.executable, "-m", name, *arguments)

    def environment(self, name: str) -> dict[str, str]:
        """What one process is told."""
        inherited = {key: self.caller[key] for key in _INHERITED if key in self.caller}
        told = {**self._common(name), **self._own(name)}
        return {**inherited, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"} | {
            f"{name.upper()}_{key}": told[key] for key in told
        }

    def migration_environment(self, service: str) -> dict[str, str]:
        """What `migrate` is told besides: the administrator's address, which no running process has."""
        return self.environment(service) | {f"{service.upper()}_MIGRATE_URL": self.admin_url}

    def _common(self, name: str) -> dict[str, str]:
        asked = {key: self.caller[f"ROSTRUM_{key}"] for key in _OPTIONAL if self.caller.get(f"ROSTRUM_{key}")}
        spans = {"OTLP_ENDPOINT": self.url("sandbox")}  # the sandbox collects traces unless another place is named
        return spans | asked | {"HTTP_HOST": HOST, "HTTP_PORT": str(self.ports[name])}

    def _own(self, name: str) -> dict[str, str]:
        if name == "sandbox":
            return {"SMTP_PORT": str(self.ports["mail"])}
        platform = {
            "BROKER_URL": self.servers.rabbitmq.url,
            "NAMESPACE": self.state.namespace,
            "JWKS_URL": f"{self.url('auth')}/.well-known/jwks.json",
            "TOKEN_ISSUER": self.url("gateway"),  # where programs of partners find us
            "ENVIRONMENT": "development",
        }
        if name == "gateway":
            return platform | self._gateway()
        service = {
            "DATABASE_URL": self.database_url(name),
            "ROLE_PREFIX": self.state.role_prefix,
            "POOL_SIZE": str(_POOL_SIZE_OF_HALVES if self.split else _POOL_SIZE),
            "SEALING_KEY": self.state.sealing_key(name),
        }
        if name in SEALING:
            service |= {
                "COMPLIANCE_URL": self.url("compliance"),
                "COMPLIANCE_SECRET": self.state.compliance_secret(name),
            }
        own = {
            "auth": self._auth,
            "billing": self._billing,
            "compliance": self._compliance,
            "generation": self._generation,
            "inbox": self._inbox,
            "publisher": self._publisher,
        }
        return platform | service | (own[name]() if name in own else {})

    def _billing(self) -> dict[str, str]:
        return {
            "STRIPE_URL": f"{self.url('sandbox')}/stripe",
            "STRIPE_API_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRETS": json.dumps(["whsec_sandbox"]),
            "STRIPE_AUTOMATIC_TAX": "true",
            "PUBLIC_URL": self.url("gateway"),
            "CONSOLE_URL": self.url("gateway"),
        }

    def _compliance(self) -> dict[str, str]:
        return {"CLIENT_SECRETS": json.dumps({name: self.state.compliance_secret(name) for name in SEALING})}

    def _generation(self) -> dict[str, str]:
        return {
            "OPENAI_URL": f"{self.url('sandbox')}/openai/v1",
            "OPENAI_API_KEY": "sk-sandbox",
            "OPENAI_WEBHOOK_SECRETS": json.dumps(["whsec_c2FuZGJveC1vcGVuYWktd2ViaG9vay1zZWNyZXQ="]),
            "GATEWAY_URL": self.url("gateway"),
        }

    def _gateway(self) -> dict[str, str]:
        upstreams = {f"{service.upper()}_URL": self.url(service) for service in SERVICES}
        admin = {"ADMIN_HOST": HOST, "ADMIN_PORT": str(self.ports["gateway-admin"])}
        shared = {"AUTH_SECRET": self.state.gateway_secret(), "INBOX_SECRET": self.state.gateway_secret("inbox")}
        return upstreams | admin | shared | {"REDIS_URL": self.servers.redis.url, "LIMIT_SCALE": "200"}

    def _inbox(self) -> dict[str, str]:
        return {
            "CLIENT_SECRETS": json.dumps({"gateway": self.state.gateway_secret("inbox")}),
            "META_GRAPH_URL": f"{self.url('sandbox')}/whatsapp/graph",
            "META_APP_SECRET": "sandbox-app-secret",
            "META_VERIFY_TOKEN": "sandbox-verify",
            "DIRECT_GRAPH_URL": f"{self.url('sandbox')}/messenger/graph",
            "TELNYX_URL": f"{self.url('sandbox')}/telnyx/v2",
            "TELNYX_PUBLIC_KEY": "lx50SmGac5yQbFEvaLXwvGSvu+6KmI3xunsKDwyhdmU=",
            "MEDIA_FOLDER": str(self.state.folder / "media"),
            "PUBLIC_URL": self.url("gateway"),
            "SMTP_URL": f"smtp://{HOST}:{self.ports['mail']}",
            "REDIS_URL": self.servers.redis.url,
        }

    def _publisher(self) -> dict[str, str]:
        return {
            "MEDIA_URL": f"file://{(self.state.folder / 'library').absolute()}",
            "PUBLIC_URL": self.url("gateway"),
            "CONSOLE_URL": self.url("gateway"),
            "LINKEDIN_CLIENT_ID": "sandbox-client",
            "LINKEDIN_CLIENT_SECRET": "sandbox-secret",
            "LINKEDIN_APPLICATION_URN": "urn:li:developerApplication:1000001",
            "LINKEDIN_API_URL": f"{self.url('sandbox')}/linkedin/api",
            "LINKEDIN_OAUTH_URL": f"{self.url('sandbox')}/linkedin/www",
            **self._of_meta(),
            **self._applications(),
        }

    def _applications(self) -> dict[str, str]:
        """Our applications at X, YouTube and TikTok, as the sandbox knows them."""
        sandbox = self.url("sandbox")
        return {
            "X_CLIENT_ID": "sandbox-x-client",
            "X_CLIENT_SECRET": "sandbox-x-secret",
            "X_CONSUMER_SECRET": "sandbox-x-consumer-secret",
            "X_API_URL": f"{sandbox}/x/api",
            "X_CONSENT_URL": f"{sandbox}/x/web",
            "YOUTUBE_CLIENT_ID": "2000000000001-sandbox.apps.googleusercontent.com",
            "YOUTUBE_CLIENT_SECRET": "sandbox-youtube-secret",
            "YOUTUBE_CONSENT_URL": f"{sandbox}/youtube/accounts/o/oauth2/v2/auth",
            "YOUTUBE_TOKEN_URL": f"{sandbox}/youtube/oauth2/token",
            "YOUTUBE_API_URL": f"{sandbox}/youtube/api",
            "TIKTOK_CLIENT_KEY": "sandboxtiktokkey",
            "TIKTOK_CLIENT_SECRET": "sandbox-tiktok-secret",
            "TIKTOK_API_URL": f"{sandbox}/tiktok/api",
            "TIKTOK_CONSENT_URL": f"{sandbox}/tiktok/www",
        }

    def _of_meta(self) -> dict[str, str]:
        """Facebook, Instagram and Threads, as the sandbox plays them."""
        sandbox = self.url("sandbox")
        found = {
            "FACEBOOK_VERIFY_TOKEN": "sandbox-verify-token",
            "FACEBOOK_UPLOAD_URL": f"{sandbox}/facebook/rupload",
        }
        for name in ("facebook", "instagram", "threads"):
            found[f"{name.upper()}_CLIENT_ID"] = "sandbox-client"
            found[f"{name.upper()}_CLIENT_SECRET"] = "sandbox-secret"
            found[f"{name.upper()}_GRAPH_URL"] = f"{sandbox}/{name}/graph"
            found[f"{name.upper()}_CONSENT_URL"] = f"{sandbox}/{name}/www"
        return found

    def _auth(self) -> dict[str, str]:
        return {
            "SMTP_URL": f"smtp://{HOST}:{self.ports['mail']}",
            "MAIL_FROM": "Rostrum <no-reply@rostrum.local>",
            "PUBLIC_URL": self.url("gateway"),
            "TELNYX_URL": f"{self.url('sandbox')}/telnyx/v2",
            "TELNYX_KEY": "sandbox-telnyx-key",
            "TELNYX_FROM": "+15005550001",
            "CLIENT_SECRETS": json.dumps({"gateway": self.state.gateway_secret()}),
            "GOOGLE_CLIENT_ID": "1000000000001-sandbox.apps.googleusercontent.com",
            "GOOGLE_CLIENT_SECRET": "sandbox-secret",
            "GOOGLE_ISSUER": f"{self.url('sandbox')}/google/accounts",
            "GITHUB_CLIENT_ID": "Iv1.sandbox0000000001",
            "GITHUB_CLIENT_SECRET": "sandbox-secret",
            "GITHUB_URL": f"{self.url('sandbox')}/github/www",
            "GITHUB_API_URL": f"{self.url('sandbox')}/github/api",
            "SANDBOX_PROVIDER_URL": self.url("sandbox"),
            "DNS_URL": f"{self.url('sandbox')}/dns/resolve",
        }
