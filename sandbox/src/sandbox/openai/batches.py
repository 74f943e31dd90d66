"""Files and batches: what is uploaded, worked through later, and fetched as a file again."""

import time
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

import orjson

from sandbox.json import Object, object_at, text_at, write
from sandbox.openai import errors
from sandbox.openai.models import Question, chat_question, completion, say
from sandbox.openai.scenarios import Scenario
from sandbox.openai.writing import tokens, vector
from sandbox.shelf import Shelf

Status = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
ENDS: tuple[Status, ...] = ("failed", "completed", "expired", "cancelled")
ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings")
MOST_LINES = 50_000


@dataclass
class File:
    """A file of the project."""

    filename: str
    purpose: str
    content: bytes
    id: str = field(default_factory=lambda: f"file-{uuid4().hex[:24]}")
    created_at: int = field(default_factory=lambda: int(time.time()))

    def shown(self) -> Object:
        """As the API shows it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass
class Batch:
    """A batch; `worked` lines of it are done."""

    file: File
    endpoint: str
    metadata: object
    status: Status = "validating"
    output: File | None = None
    wrong: File | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    read: int = 0
    wrote: int = 0
    troubles: list[Object] = field(default_factory=list)
    moments: dict[str, int] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"batch_{uuid4().hex}")
    created_at: int = field(default_factory=lambda: int(time.time()))

    def become(self, status: Status) -> None:
        """Note the status, and when."""
        self.status = status
        self.moments[f"{status}_at"] = int(time.time())

    def shown(self) -> Object:
        """As the API shows it."""
        shown: Object = {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "input_file_id": self.file.id,
            "completion_window": "24h",
            "status": self.status,
            "created_at": self.created_at,
            "expires_at": self.created_at + 86_400,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
            "usage": {
                "input_tokens": self.read,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": self.wrote,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": self.read + self.wrote,
            },
            **self.moments,
        }
        if self.output is not None:
            shown["output_file_id"] = self.output.id
        if self.wrong is not None:
            shown["error_file_id"] = self.wrong.id
        if self.troubles:
            shown["errors"] = {"object": "list", "data": self.troubles}
        return shown


class Batches:
    """All files and batches; a batch takes a step each time it is looked at, unless it is told to stand still."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As at the start: nothing."""
        self.files: Shelf[str, File] = Shelf(most=1000)
        self.batches: Shelf[str, Batch] = Shelf(most=1000)
        self.still = False

    def keep(self, file: File) -> File:
        """Keep a file."""
        self.files.put(file.id, file)
        return file

    def file(self, file_id: str) -> File:
        """A file by its id."""
        found = self.files.get(file_id)
        if found is None:
            raise errors.no_such("File object", file_id)
        return found

    def batch(self, batch_id: str) -> Batch:
        """A batch by its id."""
        found = self.batches.get(batch_id)
        if found is None:
            raise errors.no_such("batch", batch_id)
        return found

    def create(self, body: Object) -> Batch:
        """Begin a batch."""
        for name in ("input_file_id", "endpoint", "completion_window"):
            if not text_at(body, name):
                raise errors.missing(name)
        if body["completion_window"] != "24h":
            raise errors.invalid("completion_window", "supported values are: '24h'.")
        if text_at(body, "endpoint") not in ENDPOINTS:
            raise errors.invalid("endpoint", "it is no endpoint that batches take.")
        file = self.file(text_at(body, "input_file_id"))
        if file.purpose != "batch":
            raise errors.invalid("input_file_id", "the file's purpose must be 'batch'.")
        batch = Batch(file, text_at(body, "endpoint"), body.get("metadata"))
        self.batches.put(batch.id, batch)
        return batch

    def cancel(self, batch: Batch) -> None:
        """Stop a batch; what is done of it by then is kept."""
        if batch.status in ENDS:
            raise errors.invalid("batch_id", f"a batch that is {batch.status} cannot be cancelled.")
        batch.become("cancelling")

    def step(self, batch: Batch, scenario: Scenario) -> Status | None:
        """Go on with a batch; its new end, if it has come to one."""
        if batch.status in ENDS or self.still:
            return None
        if batch.status == "validating":
            self._validate(batch)
        elif batch.status == "in_progress":
            self._work(batch, scenario, only=None)
            batch.become("finalizing")
        elif batch.status == "finalizing":
            batch.become("completed")
        elif batch.status == "cancelling":
            self._work(batch, scenario, only=max(1, batch.total // 2))
            batch.become("cancelled")
        return batch.status if batch.status in ENDS else None

    def expire(self, batch: Batch, scenario: Scenario) -> None:
        """Let the time be over when half of it is done; the other half is told as expired."""
        if not batch.total:
            self._validate(batch)
        self._work(batch, scenario, only=batch.total // 2)
        batch.become("expired")

    def _validate(self, batch: Batch) -> None:
        lines = batch.file.content.splitlines()
        seen: set[str] = set()
        for number, line in enumerate(lines, 1):
            trouble = _wrong(line, batch.endpoint, seen)
            if trouble:
                batch.troubles.append({"code": trouble, "message": "This line cannot be used.", "line": number})
        if not lines or len(lines) > MOST_LINES:
            batch.troubles.append({"code": "empty_file" if not lines else "too_many_requests", "message": "No."})
        batch.total = len(lines)
        batch.become("failed" if batch.troubles else "in_progress")

    def _work(self, batch: Batch, scenario: Scenario, *, only: int | None) -> None:
        if batch.output or batch.wrong:
            return
        out: list[Object] = []
        wrong: list[Object] = []
        lines = [orjson.loads(line) for line in batch.file.content.splitlines()]
        for place, line in enumerate(reversed(lines)):  # the order of the answers is nobody's promise
            if only is not None and place >= only:
                wrong.append(_expired(line))
                batch.failed += 1
                continue
            document, status = self._answer(batch, line, scenario)
            (out if status < 400 else wrong).append(
                {
                    "id": f"batch_req_{uuid4().hex}",
                    "custom_id": line["custom_id"],
                    "response": {"status_code": status, "request_id": uuid4().hex, "body": document},
                    "error": None,
                }
            )
            batch.completed += status < 400
            batch.failed += status >= 400
        if out:
            batch.output = self.keep(File("output.jsonl", "batch_output", b"\n".join(map(write, out))))
        if wrong:
            batch.wrong = self.keep(File("errors.jsonl", "batch_output", b"\n".join(map(write, wrong))))

    def _answer(self, batch: Batch, line: Object, scenario: Scenario) -> tuple[Object, int]:
        try:
            if batch.endpoint == "/v1/embeddings":
                return embeddings(object_at(line, "body")), 200
            question: Question = chat_question(object_at(line, "body"))
        except errors.Refusal as refusal:
            return refusal.body(), refusal.status
        said = say(question, scenario)
        batch.read += said.read
        batch.wrote += said.wrote
        return completion(question, said), 200


def embeddings(body: Object) -> Object:
    """The answer of /embeddings."""
    asked = body.get("input")
    texts = [asked] if isinstance(asked, str) else asked
    if not isinstance(texts, list) or not texts or not all(isinstance(each, str) and each for each in texts):
        raise errors.missing("input")
    size = body.get("dimensions", 1536)
    if not isinstance(size, int) or not 1 <= size <= 3072:
        raise errors.invalid("dimensions", "expected an integer between 1 and 3072.")
    read = sum(tokens(str(each)) for each in texts)
    return {
        "object": "list",
        "model": body.get("model"),
        "data": [
            {"object": "embedding", "index": place, "embedding": vector(str(each), size)}
            for place, each in enumerate(texts)
        ],
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


def _wrong(line: bytes, endpoint: str, seen: set[str]) -> str:
    try:
        asked = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "invalid_json_line"
    name = text_at(asked, "custom_id")
    if not name:
        return "missing_required_parameter"
    if name in seen:
        return "duplicate_custom_id"
    seen.add(name)
    return "" if text_at(asked, "url") == endpoint else "mismatched_url"


def _expired(line: Object) -> Object:
    error = {"code": "batch_expired", "message": "This request could not be executed before the batch ended."}
    return {
        "id": f"batch_req_{uuid4().hex}",
        "custom_id": line["custom_id"],
        "response": None,
        "error": error,
    }
