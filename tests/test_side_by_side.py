"""Programs side by side: each is read whole, none is forgotten, and one failure is a failure."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.databases import ROOT
from tests.servers.proc import descendants, is_alive
from tests.servers.server import wait_until
from tests.side_by_side import run_beside


def waits_for(path: Path, *, then: str) -> list[str]:
    """A program that prints before and after the file is there."""
    return ["bash", "-c", f"echo 'begin [  7%]'; until [ -e {path} ]; do sleep 0.02; done; {then}"]


def test_each_is_shown_whole_when_it_ends(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """They run at the same time, or the first would wait for the second for ever."""
    file = tmp_path / "file"
    first, second = waits_for(file, then="echo first"), ["bash", "-c", f"touch {file}; echo second >&2"]
    assert run_beside({"one": first, "two": second}, look_seconds=0.01) == 0
    blocks = re.findall(r"===== (one|two): well after 0\.\d minutes =====\n([^=]*)", capfd.readouterr().out)
    assert {name: text.split() for name, text in blocks} == {
        "one": ["begin", "[", "7%]", "first"],
        "two": ["second"],
    }


@pytest.mark.parametrize("failing", ["one", "two"])
def test_one_failure_is_a_failure(failing: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Whichever it was, and the other one is still run to its end."""
    programs = {name: ["bash", "-c", f"echo of {name}; exit {3 if name == failing else 0}"] for name in ("one", "two")}
    assert run_beside(programs, look_seconds=0.01) == 1
    said = capfd.readouterr().out
    assert f"{failing}: FAILED with status 3" in said
    assert "of one" in said
    assert "of two" in said


@pytest.mark.parametrize("ctrl_c", ["SIG_DFL", "SIG_IGN"])
def test_meanwhile_it_says_how_far_they_are(ctrl_c: str) -> None:
    """From what pytest prints at the end of its lines; who was killed takes them along.

    A shell without job control lets what runs behind it (`make test &`) ignore Ctrl-C.
    """
    code = f"""
import signal, sys
from tests.side_by_side import run_beside
signal.signal(signal.SIGINT, signal.{ctrl_c})
run_beside({{'one': sys.argv[1:]}}, every_seconds=0)
"""
    program = "import time; print('.... [  7%]', flush=True); time.sleep(1000)"
    argv = [sys.executable, "-c", code, sys.executable, "-c", program]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "one 7%\n" in process.stdout
        [child] = (below.pid for below in descendants(process.pid))
        process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not is_alive(child), 10)
