"""What the `filter` of an endpoint says, as a test of events: compiled once, and each part of it known by its key."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.db.models import Q

from notifications import facts
from notifications.log.consume import LoggedEvent
from registryhub.config.filters import Filter
from registryhub.patterns import Choice, compile_choice
from registryhub.semver import Range, parse_range, parse_version

Test = Callable[[LoggedEvent], bool]
_WILD = frozenset("*?~!")
_REMEMBERED = 512


class Selection(NamedTuple):
    """Tests of an event that must all hold, each under the key of the filter that it stands for.

    `condition` holds for every event that the tests take, and perhaps for others: then `is_exact` is False.
    `only_changes` is whether they take nothing that only reads.
    """

    tests: tuple[tuple[str, Test], ...]
    condition: Q
    is_exact: bool
    only_changes: bool

    def takes(self, event: LoggedEvent) -> bool:
        """Whether all of them hold."""
        return self.refuser(event) is None

    def refuser(self, event: LoggedEvent) -> str | None:
        """The key of the first that does not hold."""
        for key, test in self.tests:
            if not test(event):
                return key
        return None


@lru_cache(maxsize=200)
def compile_selection(wanted: Filter) -> Selection | None:
    """None for a filter that lets everything through, so that it costs nothing."""
    tests = tuple(_tests(wanted))
    if not tests:
        return None
    condition, exact = Q(), set[str]()
    for key, part in _conditions(wanted):
        condition &= part
        exact.add(key)
    only_changes = bool(wanted.tagged) or (bool(wanted.actions) and "pull" not in wanted.actions)
    return Selection(tests, condition, is_exact=exact.issuperset(key for key, _ in tests), only_changes=only_changes)


def _tests(wanted: Filter) -> Iterable[tuple[str, Test]]:
    if wanted.actions:
        actions = _logged_actions(wanted)
        yield "actions", lambda event: event.action in actions
    yield from _text_tests(wanted)
    if wanted.minsize:
        yield "minsize", lambda event: event.size >= wanted.minsize
    if wanted.maxsize is not None:
        most = wanted.maxsize
        yield "maxsize", lambda event: event.size <= most
    yield from _fact_tests(wanted)


def _text_tests(wanted: Filter) -> Iterable[tuple[str, Test]]:
    if wanted.repositories:
        repositories = compile_choice(wanted.repositories)
        yield "repositories", lambda event: repositories.takes(event.repository)
    if wanted.tags:
        tags = compile_choice(wanted.tags)
        yield "tags", lambda event: tags.takes(event.tag)
    if wanted.versions:
        is_in = _test_of_versions([parse_range(each) for each in wanted.versions])
        yield "versions", lambda event: is_in(event.tag)
    if wanted.mediatypes:
        types = compile_choice(wanted.mediatypes)
        yield "mediatypes", lambda event: types.takes(event.media_type)
    if wanted.actors:
        actors = compile_choice(wanted.actors)
        yield "actors", lambda event: actors.takes(event.actor)


def _fact_tests(wanted: Filter) -> Iterable[tuple[str, Test]]:
    if wanted.tagged:
        changes = frozenset(wanted.tagged)
        yield "tagged", lambda event: facts.parse(event.facts).tagged in changes
    if wanted.platforms:
        platforms = compile_choice(wanted.platforms)
        yield "platforms", lambda event: event.action == "push" and _runs_on(platforms, event)


def _conditions(wanted: Filter) -> Iterable[tuple[str, Q]]:
    """What a query can say of it, word for word."""
    if wanted.actions:
        yield "actions", Q(action__in=sorted(_logged_actions(wanted)))
    if wanted.minsize:
        yield "minsize", Q(size__gte=wanted.minsize)
    if wanted.maxsize is not None:
        yield "maxsize", Q(size__lte=wanted.maxsize)
    for key, column, patterns in (
        ("repositories", "repository", wanted.repositories),
        ("tags", "tag", wanted.tags),
        ("mediatypes", "media_type", wanted.mediatypes),
        ("actors", "actor", wanted.actors),
    ):
        if patterns and not any(_WILD & set(pattern) for pattern in patterns):
            yield key, Q(**{f"{column}__in": sorted(patterns)})


def _logged_actions(wanted: Filter) -> frozenset[str]:
    """A check is sent as a pull, if at all."""
    return frozenset((*wanted.actions, "check") if "pull" in wanted.actions else wanted.actions)


def _test_of_versions(ranges: Sequence[Range]) -> Callable[[str], bool]:
    """Of tags. Answers are remembered, which takes a tenth of finding them."""

    def is_in(tag: str) -> bool:
        version = parse_version(tag)
        return version is not None and any(each.holds(version) for each in ranges)

    return lru_cache(maxsize=_REMEMBERED)(is_in)


def _runs_on(choice: Choice, event: LoggedEvent) -> bool:
    """`linux/arm64` means linux/arm64/v8 too."""
    platforms = facts.parse(event.facts).platforms
    return choice.takes_any([form for each in platforms for form in {each, "/".join(each.split("/")[:2])}])
