"""CONFIG on the command line reaches the settings by the environment."""

import os

import pytest

from registryhub.processes.arguments import name_configuration


@pytest.mark.parametrize(
    "line",
    [
        "serve config.yml",
        "serve config.yml --role web",
        "serve --role web config.yml",
        "serve --role=web --migrate config.yml",
        "check_config config.yml",
        "import_storage config.yml --dry-run",
        "export_storage --migrate config.yml",
        "garbage_collect --dry-run config.yml",
        "garbage_collect --grace 0s config.yml",
        "check_storage --digests config.yml",
        "doctor --json --patience 5s config.yml",
    ],
)
def test_the_file_is_found_wherever_it_stands(line: str) -> None:
    """Options before and after it do not matter, nor do those that take a value."""
    environ: dict[str, str] = {}
    name_configuration(["manage.py", *line.split()], environ)
    assert environ == {"REGISTRYHUB_CONFIG": os.path.abspath("config.yml")}


@pytest.mark.parametrize("line", ["", "serve", "serve --role web", "serve --role", "migrate access", "relay x.yml"])
def test_without_a_file_the_environment_stays(line: str) -> None:
    """Other commands' arguments are no configuration, and mistakes are left to the command to name."""
    environ = {"REGISTRYHUB_CONFIG": "/kept.yml"}
    name_configuration(["manage.py", *line.split()], environ)
    assert environ == {"REGISTRYHUB_CONFIG": "/kept.yml"}
