import re
from pathlib import Path

import pytest

from registryhub.config.environment import PLAIN_VARIABLES
from registryhub.config.errors import join_key
from registryhub.config.load import load_config
from registryhub.config.model import Config
from registryhub.config.schema import leaves
from registryhub.config.variables import variable_name
from tests.config.conftest import MINIMAL, Load

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
ROW = re.compile(r"^\| `([a-z0-9_.\[\]]+)` \| (.+?) \| (.+?) \| .+ \|$", re.MULTILINE)
ROWS = {
    key: (default.strip("`"), re.findall(r"`(\w+)`", names)) for key, default, names in ROW.findall(PAGE.read_text())
}
DEFAULTS = [(names[-1], default) for default, names in ROWS.values() if names and default not in ("required", "–")]


def test_the_tables_name_every_key_and_its_variables() -> None:
    """In the order of the model, none missing, none that does not exist."""
    known = {}
    for path, _ in leaves(Config):
        numbered = tuple(0 if part == "0" else part for part in path)
        plain = [name for name, target in PLAIN_VARIABLES.items() if target == path]
        known[join_key(numbered)] = [*plain, variable_name(path)]
    known["version"] = []
    assert {key: names for key, (_, names) in ROWS.items()} == known
    assert [key.partition(".")[0] for key in ROWS] == [key.partition(".")[0] for key in known]


def test_the_tables_say_which_keys_are_required_and_which_have_no_default() -> None:
    """The model decides."""
    keys = [(join_key(tuple(0 if part == "0" else part for part in path)), field) for path, field in leaves(Config)]
    required = {key for key, field in keys if field.is_required()}
    assert {key for key, (default, _) in ROWS.items() if default == "required"} == required - {"hub.database.url"}
    unset = {key for key, field in keys if not field.is_required() and field.default is None}
    assert {key for key, (default, _) in ROWS.items() if default == "–"} == unset


@pytest.mark.parametrize(("variable", "default"), [pair for pair in DEFAULTS if "DATABASE_URL" not in pair[0]])
def test_setting_the_documented_default_changes_nothing(load: Load, variable: str, default: str) -> None:
    """So the default is the one that is written, and the variable sets the key."""
    text = f"{MINIMAL}notifications: {{endpoints: [{{name: a, url: 'http://h'}}]}}\n"
    config = load(text, {variable: default})
    assert config == load(text)
    assert config.warnings == ()


def test_the_documented_database_is_the_default(load: Load, tmp_path: Path) -> None:
    """A file in the data folder."""
    assert load(MINIMAL, {"HUB_DATA": str(tmp_path)}).database_url == f"sqlite:///{tmp_path}/hub.sqlite3"


def test_the_examples_of_the_page_load(load: Load, tmp_path: Path) -> None:
    """Both as they stand; the second has the same effect as no file, but for the folder of the blobs."""
    example, embedded = re.findall(r"^```yaml\n(.+?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert load(example).notifications.endpoints[0].threshold == 5
    root = {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(tmp_path / "registry"), "HUB_DATA": str(tmp_path)}
    assert load(embedded, root) == load_config(None, {"HUB_DATA": str(tmp_path)})
