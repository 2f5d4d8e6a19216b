"""Asking the REST API in-process."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.test import Client


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text)


class Rest:
    """Someone who asks; paths are below /api/v1/."""

    def __init__(self, user: User | None = None) -> None:
        self._client = Client(raise_request_exception=False)
        if user is not None:
            self._client.force_login(user)

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """Links that an answer holds are paths too."""
        target = path.removeprefix("http://testserver") if path.startswith("http") else f"/api/v1/{path}"
        raw = "" if body is None else json.dumps(body)
        answer = self._client.generic(method, target, raw, "application/json")
        return Reply(answer.status_code, dict(answer.headers), answer.content.decode())

    def all(self, path: str) -> list[Any]:
        """The results of all pages."""
        found: list[Any] = []
        link: str | None = path
        while link:
            page = self.get(link).document
            assert len(page["results"]) or link == path, "an empty page was linked"
            found += page["results"]
            link = page["next"]
        return found


def staff() -> Rest:
    return Rest(User.objects.create_user("ada", is_staff=True))


def visitor() -> Rest:
    return Rest()
