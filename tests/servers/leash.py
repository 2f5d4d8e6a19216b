"""Start a program on a leash: `leash.py PARENT SIGNAL USER PROGRAM [ARGUMENT]…`.

The program gets SIGNAL when the process PARENT dies, so that not even a `kill -9` of the tests leaves a server
behind, and heeds it even where the tests were told to ignore it, as a shell tells what it runs behind itself.
USER (or `-`) is whom to become first; the leash is tied afterwards, since a change of user unties it.
Nothing of this needs a fork hook in the parent, which may have threads.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = "/"


def main(parent: int, signal_number: int, user: str, program: list[str]) -> None:
    if user != "-":
        become(user)
    if signal_number != signal.SIGKILL:
        signal.signal(signal_number, signal.SIG_DFL)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent died before the leash was tied")
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
