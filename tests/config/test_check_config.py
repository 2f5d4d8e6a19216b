from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from tests.config.conftest import MINIMAL


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file, and an environment that says nothing about it."""
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_DATA", str(tmp_path))
    return tmp_path / "config.yml"


def check(*arguments: str) -> tuple[str, str]:
    """What the command prints on both outputs. No database is allowed here."""
    stdout, stderr = StringIO(), StringIO()
    call_command("check_config", *arguments, stdout=stdout, stderr=stderr, no_color=True)
    return stdout.getvalue(), stderr.getvalue()


def test_it_prints_the_effective_configuration_and_warnings(config: Path) -> None:
    """YAML on one output, warnings on the other, secrets on neither."""
    config.write_text(f"{MINIMAL}http: {{addr: ':7', secret: hush}}\n")
    stdout, stderr = check(str(config))
    assert yaml.safe_load(stdout)["http"]["addr"] == ":7"
    assert "hush" not in stdout
    assert stderr == (
        f"warning: {config}:3: http.addr: everybody who reaches this address can push, pull and delete; "
        "set auth.htpasswd or listen on 127.0.0.1\n"
    )


def test_it_takes_the_file_that_the_environment_names(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `serve` does; without any it shows the defaults."""
    assert yaml.safe_load(check()[0])["storage"]["filesystem"]["rootdirectory"] == str(config.parent / "registry")
    config.write_text(f"{MINIMAL}http: {{prefix: /a/}}\n")
    monkeypatch.setenv("REGISTRY_CONFIGURATION_PATH", str(config))
    assert yaml.safe_load(check()[0])["http"]["prefix"] == "/a/"


def test_a_broken_configuration_is_told_whole_and_exits_with_1(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One problem a line, nothing on the other output."""
    config.write_text("version: 0.1\nhttp: {adr: x}\n")
    stderr = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("check_config", str(config), stderr=stderr, no_color=True)
    assert caught.value.code == 1
    assert (
        stderr.getvalue()
        == f"{config}: storage: is missing; write it\n{config}:2: http.adr: is unknown; did you mean addr?\n"
    )
    assert capsys.readouterr().out == ""
