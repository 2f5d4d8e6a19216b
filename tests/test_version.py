"""The version has one value in two places."""

import tomllib
from pathlib import Path

from registryhub.version import VERSION


def test_the_package_says_the_version_of_the_project() -> None:
    """`registryhub/version.py` and `pyproject.toml`."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
