"""Processes that end with their parent, however it ends: nobody is left behind who goes on serving."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have the kernel kill this process when `parent` dies; exit at once when it is dead already.

    To be called soon after the fork, and again by nobody: the promise outlives an exec. `parent` is the number that
    the forking process knew itself by; asking only afterwards would miss a death in between. The kernel watches the
    thread that forked, so only main threads may fork. Raises OSError when the kernel refuses.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel does not tie a process to its parent")
    if os.getppid() != parent:
        sys.exit(f"process {parent}, which started this one, is dead")
