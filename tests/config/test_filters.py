"""The `filter` of an endpoint in the configuration."""

import pytest

from registryhub.config.filters import Filter
from tests.config.conftest import MINIMAL, Load, Mistakes


def configured(key: str, value: str) -> str:
    """A configuration whose endpoint has this in its filter."""
    return f"""{MINIMAL}
notifications:
  endpoints:
    - name: a
      url: http://h/
      filter:
        {key}: {value}
"""


def test_a_filter_is_read_as_it_is_written(load: Load) -> None:
    """Sizes with their units, choices in any case; what is not written does not matter."""
    text = configured(
        "repositories", "[team/**, '!team/x', '~lib/[a-z]+']\n        minsize: 10MiB\n        tagged: [New]"
    )
    found = load(text).notifications.endpoints[0].filter
    assert found == Filter(repositories=("team/**", "!team/x", "~lib/[a-z]+"), minsize=10 * 1024**2, tagged=("new",))
    assert found.model_dump(mode="json", exclude_defaults=True)["minsize"] == "10MiB"
    assert Filter.model_validate(found.model_dump(mode="json", exclude_defaults=True)) == found


@pytest.mark.parametrize(
    ("key", "value", "mistake"),
    [
        ("repositories", "[Team/a b]", "repositories: has 'Team/a b', which no repository can be; write one with"),
        ("repositories", "['~(']", "repositories: has '~(', which is no regular expression (RE2): missing )"),
        ("repositories", "['!']", "repositories: has an empty pattern"),
        ("tags", "[v1/2]", "tags: has 'v1/2', which no tag can be; write one with"),
        ("versions", "[newest]", "versions: is no range of versions from 'newest' on; write comparisons of versions"),
        ("tagged", "[old]", "tagged[0]: must be 'new', 'moved' or 'same'"),
        ("actions", "[read]", "actions[0]: must be 'pull', 'push', 'mount' or 'delete'"),
        ("platforms", "['~[']", "platforms: has '~[', which is no regular expression (RE2)"),
        ("minsize", "large", "minsize: is no size; write bytes or a whole number with one of B"),
        ("maxsize", "1kB\n        minsize: 2kB", "maxsize: is less than minsize, so that nothing is sent"),
        ("repository", "a", "repository: is unknown; did you mean repositories?"),
    ],
)
def test_a_mistake_names_its_key_its_line_and_the_mend(mistakes: Mistakes, key: str, value: str, mistake: str) -> None:
    """When the hub starts, not when the first event comes."""
    (found,) = mistakes(configured(key, value))
    line, _, rest = found.removeprefix("config.yml:").partition(": notifications.endpoints[0].filter.")
    assert rest.startswith(mistake)
    assert configured(key, value).splitlines()[int(line) - 1].strip().startswith(key)
