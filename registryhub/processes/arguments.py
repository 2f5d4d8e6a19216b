"""The configuration file named on the command line, found before Django reads its settings."""

import argparse
import os
from collections.abc import MutableMapping, Sequence

CONFIG_VARIABLE = "REGISTRYHUB_CONFIG"
_COMMANDS = frozenset(
    (
        *("serve", "check_config", "doctor", "garbage_collect", "check_storage"),
        *("import_storage", "export_storage", "apply_retention"),
    )
)
_OPTIONS_WITH_VALUES = ("--role", "--grace", "--patience", "--settings", "--pythonpath", "--verbosity", "-v")


def name_configuration(argv: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Put CONFIG of `manage.py serve CONFIG` and its like into the environment, where settings and children find it.

    What is wrong with the rest of the line is left to the command to say.
    """
    if len(argv) < 2 or argv[1] not in _COMMANDS:
        return
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("config", nargs="?")
    for option in _OPTIONS_WITH_VALUES:
        parser.add_argument(option)
    try:
        found, _ = parser.parse_known_args(argv[2:])
    except argparse.ArgumentError:
        return
    if found.config:
        environ[CONFIG_VARIABLE] = os.path.abspath(found.config)
