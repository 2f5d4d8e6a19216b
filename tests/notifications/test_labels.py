"""The label of our own pulls."""

import pytest

from notifications.labels import find_rollout, label_key, make_label

KEY = label_key("secret")
LABEL = make_label(KEY, repository="shop/web", digest="sha256:abc", rollout=17)


@pytest.mark.parametrize(
    "user_agent",
    [
        LABEL,
        f"docker/20.10.24 go/go1.19.8 os/linux arch/amd64 UpstreamClient({LABEL})",
        f"docker/28.2.2 go/go1.24 UpstreamClient({LABEL} \\(linux\\))",
    ],
)
def test_the_rollout_is_found_among_the_words_of_an_engine(user_agent: str) -> None:
    """Which names whoever drives it at the end of its own name."""
    assert find_rollout(KEY, repository="shop/web", user_agent=user_agent) == 17


@pytest.mark.parametrize(
    ("repository", "user_agent"),
    [
        ("shop/web", "docker/20.10.24"),
        ("shop/web", "RegistryHub-Rollout/17"),
        ("shop/web", LABEL.replace("/17.", "/18.")),
        ("shop/web", make_label(label_key("other"), repository="shop/web", digest="sha256:abc", rollout=17)),
        ("shop/mail", LABEL),
    ],
)
def test_nobody_else_hides_behind_one(repository: str, user_agent: str) -> None:
    """Neither made up, nor of another hub, nor carried to another repository."""
    assert find_rollout(KEY, repository=repository, user_agent=user_agent) is None
