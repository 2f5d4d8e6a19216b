"""Immutable tags: what matches a rule never moves and is never deleted.

Rules are remembered for a moment (`remembered`), so a new one is in force in every process within two seconds, and a
push without any pays nothing. That of two pushes of one new tag only one wins is up to the statement that points the
tag (`registryhub.registry.tags`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from registryhub.database.lookups import Lookup
from registryhub.oci.errors import DENIED, OciError
from registryhub.patterns import Matcher, compile_glob, compile_pattern
from registryhub.registry.keeping.remembered import Remembered

_LOAD = Lookup(
    "immutable_rules",
    "SELECT name, repositories, tags, except_tags FROM keeping_immutablerule WHERE is_enabled ORDER BY name",
)
_AFTER = Lookup(
    "immutable_tags_after",
    """
    SELECT tag.name
    FROM access_repository AS repository
    JOIN registry_tag AS tag ON tag.repository_id = repository.id
    WHERE repository.id = %s AND tag.name > %s
    ORDER BY tag.name
    LIMIT 1000
    """,
)
_ADMINISTRATOR = "an administrator can change the rule under Keeping"


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule, ready to be asked."""

    name: str
    repositories: Matcher
    tags: Matcher
    except_tags: Matcher | None

    def speaks_of(self, repository: str) -> bool:
        return bool(self.repositories.fullmatch(repository))

    def holds(self, tag: str) -> bool:
        """Whether the tag, of a repository that it speaks of, is immutable by it."""
        if not self.tags.fullmatch(tag):
            return False
        return self.except_tags is None or not self.except_tags.fullmatch(tag)


def load_rules() -> tuple[Rule, ...]:
    """The enabled rules as they are now, by name."""
    return tuple(
        Rule(name, compile_glob(glob), compile_pattern(tags), compile_pattern(except_tags) if except_tags else None)
        for name, glob, tags, except_tags in _LOAD.all()
    )


rules = Remembered(load_rules)


def rules_for(repository: str) -> tuple[Rule, ...]:
    """The rules that speak of a repository, no older than two seconds."""
    return tuple(rule for rule in rules.get() if rule.speaks_of(repository))


def find_rule(repository: str, tag: str) -> Rule | None:
    """The first rule by name that makes the tag immutable."""
    return holding(rules_for(repository), tag)


def holding(rules: Iterable[Rule], tag: str) -> Rule | None:
    """The first of these rules of one repository that makes the tag immutable."""
    return next((rule for rule in rules if rule.holds(tag)), None)


def refused_move(repository: str, tag: str, rule: Rule) -> OciError:
    """What whoever pushes something else under an immutable tag is told."""
    return OciError(
        DENIED,
        {"name": repository, "tag": tag, "rule": rule.name},
        message=f"the tag {tag} of {repository} is immutable by the rule {rule.name!r} and points at another image;"
        f" push under another tag ({_ADMINISTRATOR})",
    )


def check_deletable(repository: str, tags: Iterable[str]) -> None:
    """That none of the tags is immutable. Raises OciError(DENIED), which names the tag and the rule."""
    if not (speaking := rules_for(repository)):
        return
    for tag in tags:
        if rule := holding(speaking, tag):
            raise OciError(
                DENIED,
                {"name": repository, "tag": tag, "rule": rule.name},
                message=f"the tag {tag} of {repository} is immutable by the rule {rule.name!r} and keeps what it points"
                f" at; {_ADMINISTRATOR}",
            )


def check_repository_deletable(repository_id: int, repository: str) -> None:
    """The same for all tags of a repository, which are read only when a rule speaks of it."""
    if rules_for(repository):
        check_deletable(repository, _tags_of(repository_id))


def _tags_of(repository_id: int) -> Iterable[str]:
    last = ""
    while rows := _AFTER.all(repository_id, last):
        yield from (name for (name,) in rows)
        last = rows[-1][0]
