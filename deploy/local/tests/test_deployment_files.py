"""Deployment files are valid for their formats, and say only what the programs know."""

import importlib
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic_settings import BaseSettings

from local.private_servers import PrivateServer
from local.state import CHECKOUT, SERVICES

DEPLOY = CHECKOUT / "deploy"
BASE = DEPLOY / "k8s" / "base"
MEMBERS = (*SERVICES, "gateway", "sandbox")
COMMANDS = {"api", "worker", "migrate", "topology", "all"}
PROVISION = {"PROVISION_ADMIN_URL", *(f"PROVISION_{service.upper()}_PASSWORD" for service in SERVICES)}


def manifests() -> list[dict[str, Any]]:
    """Every Kubernetes object of the base."""
    files = [file for file in sorted(BASE.glob("*.yaml")) if file.name != "kustomization.yaml"]
    return [each for file in files for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def compose() -> dict[str, Any]:
    """The compose file with its anchors resolved."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text(encoding="utf-8"))
    return content


def settings_of(member: str) -> type[BaseSettings]:
    """The one settings class of a member."""
    module = importlib.import_module(f"{member}.settings")
    return next(
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseSettings) and each.__module__ == module.__name__
    )


def variables(member: str) -> set[str]:
    """The environment variables that a member reads."""
    settings = settings_of(member)
    return {f"{settings.model_config['env_prefix']}{name}".upper() for name in settings.model_fields}


def required(member: str) -> set[str]:
    """The environment variables without which a member does not start."""
    settings = settings_of(member)
    prefix = settings.model_config["env_prefix"]
    return {f"{prefix}{name}".upper() for name, field in settings.model_fields.items() if field.is_required()}


def validate(schema: str, file: Path) -> None:
    """Check a file against a schema that the validator brings along."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_is_valid() -> None:
    validate("vendor.compose-spec", DEPLOY / "docker-compose.yml")


def test_the_workflow_is_valid() -> None:
    validate("vendor.github-workflows", CHECKOUT / ".github" / "workflows" / "ci.yml")


@pytest.mark.parametrize("manifest", manifests(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_every_manifest_is_valid_for_the_cluster(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_kustomization_lists_every_file() -> None:
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert set(listed) == {file.name for file in BASE.glob("*.yaml")} - {"kustomization.yaml"}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod template with the name of what makes it."""
    for manifest in manifests():
        if manifest["kind"] in {"Deployment", "Job"}:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=lambda each: each if isinstance(each, str) else "")
def test_every_pod_is_restricted_and_bounded(name: str, pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False, name
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"]["cpu"]


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=lambda each: each if isinstance(each, str) else "")
def test_every_pod_runs_a_program_that_exists_with_a_command_it_knows(name: str, pod: dict[str, Any]) -> None:
    (container,) = pod["spec"]["containers"]
    member = container["image"].removeprefix("rostrum-")
    assert member in MEMBERS, name
    assert find_spec(f"{member}.__main__") is not None
    if "command" in container:
        assert container["command"] == ["/app/bin/python", "/app/provision.py"]
        assert (DEPLOY / "provision.py").exists()
    elif member in SERVICES:
        (command,) = container["args"]
        assert command in COMMANDS
    else:
        assert "args" not in container


def test_every_service_has_an_api_a_worker_and_its_release_steps() -> None:
    names = {name for name, _ in pods()}
    for service in SERVICES:
        assert {f"{service}-{step}" for step in ("api", "worker", "migrate", "topology")} <= names
    assert {"gateway", "provision"} <= names


def secret_names() -> dict[str, set[str]]:
    """What the README says each Secret holds."""
    text = (DEPLOY / "k8s" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (.+?) \|", text)
    return {name: set(re.findall(r"`([A-Z_]+)`", keys)) for name, keys in rows}


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=lambda each: each if isinstance(each, str) else "")
def test_pods_are_told_all_that_is_required_and_nothing_unknown(name: str, pod: dict[str, Any]) -> None:
    maps = {each["metadata"]["name"]: set(each["data"]) for each in manifests() if each["kind"] == "ConfigMap"}
    (container,) = pod["spec"]["containers"]
    member, told = container["image"].removeprefix("rostrum-"), set[str]()
    for source in container["envFrom"]:
        told |= maps[source["configMapRef"]["name"]] if "configMapRef" in source else set()
        told |= secret_names()[source["secretRef"]["name"]] if "secretRef" in source else set()
    if name == "provision":
        assert told - PROVISION <= variables(member)
        assert told >= PROVISION
    else:
        assert told <= variables(member)
        assert told >= required(member)


def test_probes_ask_a_port_that_the_settings_open() -> None:
    maps = {each["metadata"]["name"]: each["data"] for each in manifests() if each["kind"] == "ConfigMap"}
    for _, pod in pods():
        (container,) = pod["spec"]["containers"]
        if "ports" not in container:
            continue
        member = container["image"].removeprefix("rostrum-")
        opened = {"http": f"{member}_HTTP_PORT".upper(), "admin": f"{member}_ADMIN_PORT".upper()}
        for port in container["ports"]:
            assert maps[member][opened[port["name"]]] == str(port["containerPort"])
        for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/livez")):
            get = container[probe]["httpGet"]
            assert get["path"] == path
            assert get["port"] in {port["name"] for port in container["ports"]}


def test_selectors_find_pods() -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods()]
    for manifest in manifests():
        spec = manifest.get("spec", {})
        selector = spec.get("selector") if manifest["kind"] in {"Service", "PodDisruptionBudget"} else None
        wanted = (selector or {}).get("matchLabels", selector) or {}
        assert any(wanted.items() <= each.items() for each in labels), manifest["metadata"]["name"]


def test_compose_tells_each_program_what_it_knows_and_needs() -> None:
    for name, service in compose()["services"].items():
        member = service["image"].removeprefix("rostrum-")
        if member not in MEMBERS:
            assert "profiles" not in service
            assert service["healthcheck"]
            continue
        told = set(service["environment"])
        if name == "provision":
            assert told == PROVISION
            continue
        assert told <= variables(member), name
        assert told >= required(member), name
        assert set(service.get("command", [])) <= COMMANDS
        assert service["profiles"] == ["platform"]
        assert service["read_only"] is True


def test_compose_opens_ports_on_loopback_alone() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_image_is_built_from_the_one_dockerfile_with_a_member_that_exists() -> None:
    built = [service["build"] for service in compose()["services"].values() if "build" in service]
    assert {build["dockerfile"] for build in built} == {"deploy/Dockerfile"}
    for build in built:
        assert (CHECKOUT / build["args"]["MEMBER"] / "pyproject.toml").exists()


def closure() -> ModuleType:
    """The program that picks a member's dependencies out of the lock."""
    spec = spec_from_file_location("closure", DEPLOY / "closure.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("member", [f"rostrum-{member}" for member in MEMBERS])
def test_an_image_holds_what_its_member_imports_and_nothing_else(member: str) -> None:
    """Read from what is installed here, which came from the same lock."""
    pick = closure()
    entries = pick.locked((CHECKOUT / "requirements.lock").read_text(encoding="utf-8"))
    ours = pick.members(CHECKOUT)
    needs = pick.needs_of(CHECKOUT, lambda name: importlib.metadata.requires(name) or [])
    names = pick.needed([member], needs)
    lines = list(pick.chosen(names, entries, ours))

    assert len(lines) == len(names - set(ours)) < len(entries) / 1.5
    assert all("--hash=sha256:" in line for line in lines)
    assert {"pydantic", "uvicorn"} <= names
    assert not {"pytest", "mypy", "ruff", "hatchling", "uv", "testcontainers"} & names
    assert ("aiosmtplib" in names) == (member in ("rostrum-auth", "rostrum-inbox"))


def test_the_closure_follows_extras_and_drops_other_systems() -> None:
    pick = closure()
    known = {"a": ["b[fast]>=1", "windows-only; sys_platform == 'win32'"], "b": ["c; extra == 'fast'", "d"]}
    assert pick.needed(["a"], lambda name: known.get(name, [])) == {"a", "b", "c", "d"}


def test_private_servers_are_no_part_of_an_image() -> None:
    """The package that runs all on one machine is for development and is copied into no image."""
    assert "deploy/local" not in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert PrivateServer.__module__.startswith("local.")
