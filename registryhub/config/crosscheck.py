"""Rules that look at several keys at once. They read the tree, so that they speak up beside every other mistake."""

from collections.abc import Iterator

from registryhub.config.document import Items, Node, Scalar, Table, child
from registryhub.config.errors import Problem
from registryhub.config.unserved import names_below

_BESIDE_DRIVERS = frozenset({"cache", "delete", "maintenance", "redirect", "tag"})


def crosscheck(tree: Node) -> Iterator[Problem]:
    """Every broken rule."""
    yield from _one_driver(child(tree, "storage"))
    yield from _one_auth(child(tree, "auth"))
    yield from _unique_names(child(child(tree, "notifications"), "endpoints"))


def _one_driver(storage: Node | None) -> Iterator[Problem]:
    """A driver that is not served is refused by its own name."""
    if isinstance(storage, Scalar) and storage.is_null:
        storage = Table(storage.origin)
    drivers = {"filesystem", *names_below("storage")} - _BESIDE_DRIVERS
    if isinstance(storage, Table) and not storage.keys() & drivers:
        yield Problem("names no driver; add filesystem: {rootdirectory: /var/lib/registry}", "storage", storage.origin)


def _one_auth(auth: Node | None) -> Iterator[Problem]:
    if isinstance(auth, Table) and len(auth) > 1:
        yield Problem(f"names {len(auth)} types ({', '.join(auth)}); keep one", "auth", auth.origin)


def _unique_names(endpoints: Node | None) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, endpoint in enumerate(endpoints if isinstance(endpoints, Items) else ()):
        name = child(endpoint, "name")
        if not isinstance(name, Scalar) or name.is_null:
            continue
        if name.text in seen:
            message = f"is already the name of endpoint {seen[name.text]}; name each endpoint differently"
            yield Problem(message, f"notifications.endpoints[{index}].name", name.origin)
        seen.setdefault(name.text, index)
