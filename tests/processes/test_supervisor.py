"""The supervisor over small programs: restarts, draining, reloading."""

import os
import re
import signal
from pathlib import Path

import pytest

from registryhub.processes.supervisor import LONGEST_PAUSE_SECONDS, pause_seconds
from tests.processes.toys import Toys
from tests.servers.proc import is_alive
from tests.servers.server import wait_until


def test_pauses_grow_up_to_a_bound() -> None:
    """The first restart is almost at once."""
    pauses = [pause_seconds(failures) for failures in range(12)]
    assert pauses[0] <= 0.2
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_who_dies_is_started_again_after_growing_pauses(tmp_path: Path) -> None:
    """And the log says of what it died and when it starts again."""
    with Toys(tmp_path, ["short"]) as toys:
        assert wait_until(lambda: toys.count("short runs") >= 3, 20)
        said = [float(pause) for pause in re.findall(r"short ended with status 3; .* in (.+) s", toys.log_tail())]
        assert said == sorted(set(said))


def test_a_killed_child_is_replaced_while_the_others_go_on(tmp_path: Path) -> None:
    """The log names the signal."""
    with Toys(tmp_path, ["calm", "second"]) as toys:
        victim = (
            int(toys.notes()[0].split()[-1]) if toys.notes()[0].startswith("calm") else int(toys.notes()[1].split()[-1])
        )
        os.kill(victim, signal.SIGKILL)
        assert wait_until(lambda: toys.count("calm runs") == 2, 10)
        assert toys.count("second runs") == 1
        assert "calm was ended by SIGKILL" in toys.log_tail()


def test_programs_stop_one_wave_after_the_other(tmp_path: Path) -> None:
    """However long the first ones take."""
    toys = Toys(tmp_path, ["calm", "slow", "second"]).start()
    assert toys.stop() == 0
    stopped = [line.split()[0] for line in toys.notes() if " stops " in line]
    assert stopped[0] == "slow"
    assert set(stopped[1:]) == {"calm", "second"}


def test_who_does_not_stop_is_killed_in_the_end(tmp_path: Path) -> None:
    """And the exit is a clean one."""
    toys = Toys(tmp_path, ["stubborn", "calm"]).start()
    assert toys.stop() == 0
    assert toys.count("calm stops") == 1
    assert "stubborn does not stop" in toys.log_tail()


def test_a_second_signal_ends_all_patience(tmp_path: Path) -> None:
    """Whoever presses Ctrl-C twice does not want to wait a minute."""
    toys = Toys(tmp_path, ["patient"]).start()
    os.kill(toys.pid, signal.SIGTERM)
    assert wait_until(lambda: "stopping" in toys.log_tail(), 5)
    assert toys.stop() == 0


def test_a_reload_starts_the_heir_before_the_old_one_goes(tmp_path: Path) -> None:
    """Somebody serves at every moment; programs that do not hand over are simply started again."""
    with Toys(tmp_path, ["heir", "calm"]) as toys:
        os.kill(toys.pid, signal.SIGHUP)
        assert wait_until(lambda: toys.count("heir stops") == 1 and toys.count("calm runs") == 2, 10)
        of_heirs = [line for line in toys.notes() if line.startswith("heir")]
        assert [line.split()[1] for line in of_heirs] == ["runs", "runs", "stops"]
        assert of_heirs[0].split()[-1] == of_heirs[2].split()[-1]


def test_an_heir_that_dies_is_not_taken(tmp_path: Path) -> None:
    """The old one goes on."""
    with Toys(tmp_path, ["weakling"]) as toys:
        old = int(toys.notes()[0].split()[-1])
        (tmp_path / "broken").touch()
        os.kill(toys.pid, signal.SIGHUP)
        assert wait_until(lambda: "the new weakling ended with status 4" in toys.log_tail(), 10)
        assert is_alive(old)
        assert toys.count("weakling stops") == 0


def test_a_configuration_with_mistakes_is_not_taken(tmp_path: Path) -> None:
    """Nothing is restarted, and the log says what is wrong."""
    (tmp_path / "refuse").touch()
    with Toys(tmp_path, ["heir", "calm"]) as toys:
        os.kill(toys.pid, signal.SIGHUP)
        assert wait_until(lambda: "the file says no" in toys.log_tail(), 10)
        assert toys.count("heir runs") == toys.count("calm runs") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_stop(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM of a service manager and Ctrl-C of a person."""
    toys = Toys(tmp_path, ["calm"]).start()
    toys.stop_signal = number
    assert toys.stop() == 0
    assert toys.count("calm stops") == 1
