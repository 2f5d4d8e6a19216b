"""One hub a data folder and role."""

import os
from pathlib import Path

import pytest

from registryhub.processes.locks import AlreadyServed, serving


def test_a_second_one_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    """The message names the process and the folder; locks of one process on two descriptors exclude each other too."""
    with serving(tmp_path, ["web"]), pytest.raises(AlreadyServed) as refused, serving(tmp_path, ["relay", "web"]):
        pass
    assert str(os.getpid()) in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_other_roles_may_be_served_beside(tmp_path: Path) -> None:
    """So that each role can be a service of its own on one machine."""
    with serving(tmp_path, ["web"]), serving(tmp_path, ["relay", "worker"]):
        pass


def test_a_refusal_lets_go_of_what_it_held(tmp_path: Path) -> None:
    """The role that was free is free again."""
    with serving(tmp_path, ["web"]):
        with pytest.raises(AlreadyServed), serving(tmp_path, ["relay", "web"]):
            pass
        with serving(tmp_path, ["relay"]):
            pass


def test_the_end_lets_go(tmp_path: Path) -> None:
    """One after the other is no second one."""
    for _ in range(2):
        with serving(tmp_path, ["web"]):
            pass
