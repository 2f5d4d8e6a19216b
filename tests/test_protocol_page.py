"""docs/protocol.md and the table of docs/webhooks.md name a test for everything they say, and each of them exists."""

import ast
import re
from functools import cache

import pytest

from tests.servers.databases import ROOT

PAGE = ROOT / "docs" / "protocol.md"
WEBHOOKS = ROOT / "docs" / "webhooks.md"
PROOF = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<name>\w+)`")
ENDPOINTS = {f"end-{number}" for number in (1, 2, 3, 5, 6, 7, 9, 10, 11, 13)}
ENDPOINTS |= {f"end-{number}{part}" for number in (4, 8, 12) for part in "ab"}
"""Of the OCI distribution-spec 1.1."""
UNPROVEN = ("not built", "never sent")


def rows() -> list[str]:
    """Those of all tables, without their heads."""
    _, _, features = WEBHOOKS.read_text().partition("\n## Every feature, and its proof\n")
    found = re.findall(r"^\| .*(?:\n\|.*)*", f"{PAGE.read_text()}\n{features}", re.MULTILINE)
    return [row for table in found for row in table.splitlines()[2:]]


@cache
def names_in(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.exists():
        return frozenset()
    found = ast.walk(ast.parse(path.read_text()))
    return frozenset(node.name for node in found if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[2:50].strip())
def test_what_the_page_says_is_proven(row: str) -> None:
    """By tests that are there, or it says that it is not built."""
    named = [(match["file"], match["name"]) for match in PROOF.finditer(row)]
    assert named or any(word in row for word in UNPROVEN), "no test is named"
    assert not [f"{file}::{name}" for file, name in named if name not in names_in(file)]


def test_the_features_of_webhooks_are_a_table_of_their_own() -> None:
    """All that the best senders have, and what they lack."""
    _, _, features = WEBHOOKS.read_text().partition("\n## Every feature, and its proof\n")
    assert len(features.splitlines()) > 30


def test_the_page_speaks_of_every_endpoint() -> None:
    """Of the specification, by its number."""
    assert set(re.findall(r"^\| (end-\w+) \|", PAGE.read_text(), re.MULTILINE)) == ENDPOINTS
