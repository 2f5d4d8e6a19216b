"""Random configurations made of real keys and strange values: a Config or a ConfigError, never anything else."""

from collections.abc import Mapping
from contextlib import suppress

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registryhub.config.document import LARGEST_DOCUMENT_BYTES, Table, parse_document
from registryhub.config.environment import Overlay
from registryhub.config.errors import ConfigError, Origin
from registryhub.config.model import Config
from registryhub.config.schema import leaves
from registryhub.config.unserved import UNSERVED
from registryhub.config.validate import validate
from registryhub.config.variables import variable_name

PATHS = [path for path, _ in leaves(Config)] + [tuple(path.split(".")) for row in UNSERVED for path in row.paths()]
KEYS = sorted({part for path in PATHS for part in path})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1s", ":1", "/", "none"])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)
NAMES = st.sampled_from([variable_name(path) for path in PATHS]) | st.builds(
    lambda parts: "REGISTRY_" + "_".join(parts),
    st.lists(st.sampled_from([key.upper() for key in KEYS] + ["", "0", "1", "x"]), max_size=5),
)


def settle(tree: object, environ: Mapping[str, str]) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    assert len(text) < LARGEST_DOCUMENT_BYTES
    node, problems = parse_document(text)
    overlay = Overlay(node if isinstance(node, Table) else Table(Origin()), problems)
    overlay.apply(environ)
    with suppress(ConfigError):
        repr(validate(overlay.tree))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries({}, optional={str(path[0]): TREES for path in PATHS}),
    st.dictionaries(
        NAMES, st.text(max_size=10) | st.sampled_from(["{}", "[]", "[{}]", "{a: b}", "1", "true"]), max_size=5
    ),
)
def test_any_tree_and_environment_end_in_a_config_or_a_config_error(tree: object, environ: dict[str, str]) -> None:
    """No other exception ever leaves the door, and what leaves can be shown."""
    settle(tree, environ)
