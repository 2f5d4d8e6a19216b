import base64
import os
from pathlib import Path

import bcrypt
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registryhub.access import throttle
from registryhub.access.gate import HtpasswdGate, OpenGate, gate_from_config
from registryhub.access.htpasswd import Htpasswd, create_missing_file
from registryhub.access.models import Guess
from registryhub.access.robots import DEPLOYER, check_rights, robot_password
from registryhub.config.load import load_config
from registryhub.oci.errors import OciError

pytestmark = pytest.mark.django_db

ADDRESS = "10.0.0.7:4711"


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def write_file(path: Path, **passwords: str) -> Path:
    lines = [
        f"{username}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}"
        for username, password in passwords.items()
    ]
    path.write_text("# users\n\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_file(tmp_path / "htpasswd", ada="secret")


@pytest.fixture
def gate(file: Path) -> HtpasswdGate:
    return HtpasswdGate("hub", file)


def refusal(gate: HtpasswdGate, authorization: str | None) -> OciError:
    with pytest.raises(OciError) as caught:
        gate.authorize(authorization, ADDRESS)
    return caught.value


def test_the_right_password_names_the_actor(gate: HtpasswdGate) -> None:
    """Whoever proves a name is that name."""
    assert gate.authorize(basic("ada", "secret"), ADDRESS) == "ada"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer abc",
        basic("ada", "wrong"),
        basic("eve", "secret"),
        basic("", ""),
        basic("ada", "a\x00b"),
        basic("ada", "x" * 100),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
    ],
)
def test_everything_else_is_challenged(gate: HtpasswdGate, authorization: str | None) -> None:
    """401 UNAUTHORIZED with the realm, whatever was wrong."""
    error = refusal(gate, authorization)
    assert error.code.status == 401
    assert error.headers == (("www-authenticate", 'Basic realm="hub"'),)


def test_a_right_password_is_remembered_without_a_query(gate: HtpasswdGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request pays no bcrypt and no query."""
    gate.authorize(basic("ada", "secret"), ADDRESS)
    monkeypatch.setattr(bcrypt, "checkpw", None)
    with CaptureQueriesContext(connection) as queries:
        assert gate.authorize(basic("ada", "secret"), ADDRESS) == "ada"
    assert len(queries) == 0


def test_a_changed_file_counts_at_once(gate: HtpasswdGate, file: Path) -> None:
    """A removed user is refused and a new one let in without a restart."""
    gate.authorize(basic("ada", "secret"), ADDRESS)
    write_file(file, eve="other")
    os.utime(file, ns=(1, 1))
    assert refusal(gate, basic("ada", "secret")).code.status == 401
    assert gate.authorize(basic("eve", "other"), ADDRESS) == "eve"


def test_a_vanished_file_is_an_outage_not_an_open_door(gate: HtpasswdGate, file: Path) -> None:
    """503, also for those remembered."""
    gate.authorize(basic("ada", "secret"), ADDRESS)
    file.unlink()
    assert refusal(gate, basic("ada", "secret")).code.status == 503


def test_lines_that_cannot_be_used_are_named_and_skipped(
    file: Path, gate: HtpasswdGate, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad line locks out nobody else (the reference answers 400 to everybody)."""
    file.write_text("nonsense\nmd5:$apr1$x$y\n" + file.read_text())
    assert gate.authorize(basic("ada", "secret"), ADDRESS) == "ada"
    assert "line 1" in caplog.text
    assert "line 2" in caplog.text


def test_guessing_has_to_wait_before_bcrypt_is_paid(gate: HtpasswdGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the free tries the answer is 429 with Retry-After, even for the right password."""
    for number in range(throttle.FREE_TRIES_OF_A_USER + 1):
        assert refusal(gate, basic("ada", f"guess {number}")).code.status == 401
    monkeypatch.setattr(bcrypt, "checkpw", None)
    error = refusal(gate, basic("ada", "secret"))
    assert error.code.status == 429
    assert int(dict(error.headers)["retry-after"]) >= 1


def test_guessing_for_one_user_does_not_lock_out_the_next(gate: HtpasswdGate, file: Path) -> None:
    """Another user of the same address still gets in."""
    write_file(file, ada="secret", eve="other")
    for number in range(throttle.FREE_TRIES_OF_A_USER + 1):
        refusal(gate, basic("ada", f"guess {number}"))
    assert gate.authorize(basic("eve", "other"), ADDRESS) == "eve"


def test_a_right_password_forgets_the_wrong_ones(gate: HtpasswdGate) -> None:
    """A typing error now and then never adds up."""
    refusal(gate, basic("ada", "typo"))
    gate.authorize(basic("ada", "secret"), ADDRESS)
    assert not Guess.objects.filter(key="10.0.0.7 ada").exists()


def test_a_missing_file_is_made_with_one_user(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As the reference does: user docker, a random password, named once in the log."""
    path = tmp_path / "auth" / "htpasswd"
    create_missing_file(path)
    create_missing_file(path)
    assert caplog.text.count("password: ") == 1
    password = caplog.records[0].getMessage().rpartition("password: ")[2]
    assert Htpasswd(path).is_valid("docker", password)
    assert path.stat().st_mode & 0o077 == 0


def test_the_gate_follows_the_configuration(tmp_path: Path, file: Path) -> None:
    """No `auth` is open, `auth.htpasswd` asks its file."""
    plain = tmp_path / "plain.yml"
    plain.write_text(f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}\n")
    guarded = tmp_path / "guarded.yml"
    guarded.write_text(f"{plain.read_text()}auth:\n  htpasswd:\n    realm: r\n    path: {file}\n")
    assert gate_from_config(load_config(plain, {})).authorize(basic("eve", "x"), ADDRESS) == ""
    assert isinstance(gate_from_config(load_config(plain, {})), OpenGate)
    assert gate_from_config(load_config(guarded, {})).authorize(basic("ada", "secret"), ADDRESS) == "ada"


def test_the_deployer_proves_itself_by_a_password_of_the_hub(gate: HtpasswdGate) -> None:
    """Every process can work it out; nobody's guess is one."""
    assert gate.authorize(basic(DEPLOYER, robot_password(DEPLOYER)), ADDRESS) == DEPLOYER
    assert refusal(gate, basic(DEPLOYER, "guess")).code.status == 401
    assert refusal(gate, basic("ada", robot_password(DEPLOYER))).code.status == 401


def test_a_user_of_that_name_in_the_file_is_not_the_deployer(tmp_path: Path) -> None:
    """Else its pulls would look like ours."""
    gate = HtpasswdGate("hub", write_file(tmp_path / "htpasswd", **{DEPLOYER: "secret"}))
    assert refusal(gate, basic(DEPLOYER, "secret")).code.status == 401


def test_the_deployer_may_only_pull() -> None:
    """Whoever takes its password from an engine's host can change nothing."""
    check_rights(DEPLOYER, "GET")
    check_rights(DEPLOYER, "HEAD")
    check_rights("ada", "PUT")
    for method in ("PUT", "POST", "PATCH", "DELETE"):
        with pytest.raises(OciError) as caught:
            check_rights(DEPLOYER, method)
        assert caught.value.code.status == 403
