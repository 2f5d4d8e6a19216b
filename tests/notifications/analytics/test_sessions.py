"""Which requests belong together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.analytics.sessions import Act, Ask, Kind, decode, encode, judge, pulled_tags

pytestmark = pytest.mark.only_database("sqlite")

INDEX = "sha256:" + "f" * 64
CHILD = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def head(second: int, tag: str = "v1", digest: str = INDEX) -> Ask:
    return Ask(second, False, tag, digest)


def get(
    second: int, tag: str = "", digest: str = INDEX, kind: Kind = Kind.IMAGE, children: tuple[str, ...] = ()
) -> Ask:
    return Ask(second, True, tag, digest, kind, children)


def judged(*asks: Ask) -> dict[tuple[str, str], int]:
    """How often each (action, tag)."""
    found: dict[tuple[str, str], int] = {}
    for act, times in judge(dict.fromkeys(asks, 1)).items():
        found[act.action, act.tag] = found.get((act.action, act.tag), 0) + times
    return found


def test_head_then_get_is_one_pull() -> None:
    """By tag or by digest; a look that nothing follows is a check, and so is one that comes after."""
    assert judged(head(0), get(1, "v1")) == {("pull_tag", "v1"): 1}
    assert judged(head(0), get(60)) == {("pull_tag", "v1"): 1}
    assert judged(head(0), get(61)) == {("version_check", "v1"): 1, ("pull_digest", ""): 1}
    assert judged(get(0), head(1)) == {("pull_digest", ""): 1, ("version_check", "v1"): 1}
    assert judged(head(0, digest=OTHER), get(1)) == {("version_check", "v1"): 1, ("pull_digest", ""): 1}


def test_an_index_and_its_part_are_one_pull() -> None:
    """The part is another digest, comes within a minute, and is listed where the list is known."""
    index = get(0, "v1", kind=Kind.INDEX)
    listed = index._replace(children=(CHILD[7:19],))
    assert judged(index, get(60, digest=CHILD)) == {("pull_tag", "v1"): 1}
    assert judged(listed, get(1, digest=CHILD)) == {("pull_tag", "v1"): 1}
    assert judged(listed, get(1, digest=OTHER)) == {("pull_tag", "v1"): 1, ("pull_digest", ""): 1}
    assert judged(index, get(61, digest=CHILD)) == {("pull_tag", "v1"): 1, ("pull_digest", ""): 1}
    assert judged(get(0, digest=CHILD), index._replace(second=1)) == {("pull_tag", "v1"): 1, ("pull_digest", ""): 1}


def test_all_parts_of_an_index_are_one_pull_and_tags_are_pulls_of_their_own() -> None:
    """Who copies all platforms has pulled once; who names another tag has pulled again."""
    index = get(0, "v1", kind=Kind.INDEX)
    assert judged(index, get(1, digest=CHILD), get(2, digest=OTHER)) == {("pull_tag", "v1"): 1}
    assert judged(index, get(1, "v1-arm64", digest=CHILD)) == {("pull_tag", "v1"): 1, ("pull_tag", "v1-arm64"): 1}


def test_what_was_fetched_by_tag_is_not_counted_again_by_digest() -> None:
    """Some clients ask for the tag first, and then for the digest that they have seen."""
    assert judged(get(0, "v1"), get(1)) == {("pull_tag", "v1"): 1}


def test_attachments_are_told_apart() -> None:
    """A signature is no pull of the image."""
    assert judged(get(0, "v1"), get(1, digest=CHILD, kind=Kind.ATTACHED)) == {
        ("pull_tag", "v1"): 1,
        ("referrer", ""): 1,
    }


def test_a_herd_counts_each_of_its_pulls() -> None:
    """Fifty machines behind one address pull fifty times."""
    asks = {head(0): 50, get(1, kind=Kind.INDEX): 50, get(1, digest=CHILD): 50}
    assert judge(asks) == {Act(1, "pull_tag", "v1", INDEX): 50}


def test_without_digests_the_tag_tells() -> None:
    """Access logs do not know what a tag pointed at."""
    assert judged(head(0, digest=""), get(1, "v1", digest="")) == {("pull_tag", "v1"): 1}


def test_a_tag_is_pulled_by_the_digest_it_was_looked_up_for() -> None:
    """Its clock moves with the pull."""
    assert pulled_tags({head(0): 1, get(5): 1, get(70): 1}) == {"v1": 5}
    assert pulled_tags({head(0): 1, get(61): 1}) == {}


ASKS = st.builds(
    Ask,
    st.integers(0, 200),
    st.booleans(),
    st.sampled_from(("", "v1", "v2")),
    st.sampled_from(("", INDEX, CHILD, OTHER)),
    st.sampled_from(tuple(map(int, Kind))),
    st.sampled_from(((), (CHILD[7:19],))),
).filter(lambda ask: bool(ask.thing))


@given(st.dictionaries(ASKS, st.integers(1, 3), min_size=1, max_size=12))
def test_each_request_counts_for_what_the_rules_say(asks: dict[Ask, int]) -> None:
    """The rules as they stand in docs/counting.md, word for word and slowly."""
    expected: dict[Act, int] = {}
    for ask, times in asks.items():
        action = by_the_book(ask, asks)
        if action is not None:
            expected[action] = expected.get(action, 0) + times
    assert judge(asks) == expected
    assert decode(encode(asks)) == asks


def by_the_book(ask: Ask, asks: dict[Ask, int]) -> Act | None:
    before = [each for each in asks if ask.second - 60 <= each.second <= ask.second]
    after = [each for each in asks if ask.second <= each.second <= ask.second + 60]
    if not ask.is_get:
        is_fetched = any(each.is_get and each.thing == ask.thing for each in after)
        return None if is_fetched else Act(ask.second, "version_check", ask.tag, ask.digest)
    tag = ask.tag
    if not tag:
        indexes = [each for each in before if each.is_get and each.kind == Kind.INDEX]
        if ask.kind != Kind.INDEX and any(not each.children or ask.digest[7:19] in each.children for each in indexes):
            return None
        named = sorted(
            (each.second, each.tag, each.is_get) for each in before if each.tag and each.digest == ask.digest
        )
        if any(is_get for _, _, is_get in named):
            return None
        tag = named[-1][1] if named else ""
    if ask.kind == Kind.ATTACHED:
        return Act(ask.second, "referrer", tag, ask.digest)
    return Act(ask.second, "pull_tag" if tag else "pull_digest", tag, ask.digest)
