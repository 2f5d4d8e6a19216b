"""Roles and the programs they stand for."""

import pytest

from registryhub.processes.roles import UnknownRole, parse_roles, programs


def test_roles_come_in_the_order_in_which_they_stop() -> None:
    """However they were written."""
    assert parse_roles("worker, web,relay") == ("web", "relay", "worker")
    assert [program.command for program in programs(parse_roles("worker,web"))] == ["web", "ship", "worker"]


@pytest.mark.parametrize("text", ["", ",", "web,rely"])
def test_unknown_roles_are_refused_with_the_known_ones(text: str) -> None:
    """And so is none at all."""
    with pytest.raises(UnknownRole, match="web, relay, worker"):
        parse_roles(text)
