"""TLS and proxies of one endpoint, whatever the system and the environment say."""

import shutil
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.delivery.outgoing.sinks import HttpSink, Outcome
from notifications.delivery.outgoing.tls import Contexts, Tls
from tests.notifications.delivery.outgoing.test_sinks import BODY, CERTIFICATE, tls_server
from tests.notifications.delivery.raw_server import OK, RawServer, answer
from tests.notifications.delivery.stage import configure, configured, ids, log_events, relay, start_at
from tests.servers.webhook_receiver import WebhookReceiver


def post(url: str, tls: Tls, proxy: str | None = None, **environment: str) -> Outcome:
    sink = HttpSink(
        url=url, headers={}, timeout_seconds=5.0, user_agent="u", environment=environment, proxy=proxy, tls=tls
    )
    with closing(sink):
        return sink.post(BODY)


def test_an_endpoint_may_trust_an_authority_of_its_own() -> None:
    """One that the system does not know; another is refused still, and so is another host."""
    with RawServer(answer(OK), tls=tls_server()) as server:
        assert post(server.url, Tls(CERTIFICATE)).is_success
        assert post(server.url, Tls(CERTIFICATE.read_text())).is_success
        assert post(server.url, Tls()).error.startswith("TLS: self")
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        assert post(elsewhere, Tls(CERTIFICATE)).error.startswith("TLS: Hostname mismatch")


def test_an_endpoint_may_believe_anybody() -> None:
    """Any certificate, of any host."""
    with RawServer(answer(OK), tls=tls_server()) as server:
        assert post(server.url.replace("127.0.0.1", "localhost"), Tls(verifies=False)).is_success


def test_a_receiver_may_ask_who_sends() -> None:
    """The endpoint shows its certificate; without one the receiver hangs up."""
    asking = tls_server()
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.load_verify_locations(CERTIFICATE)
    with RawServer(answer(OK), tls=asking) as server:
        assert post(server.url, Tls(CERTIFICATE, certificate=CERTIFICATE)).is_success
        assert post(server.url, Tls(CERTIFICATE, certificate=CERTIFICATE, key=CERTIFICATE)).is_success
        assert post(server.url, Tls(CERTIFICATE)).status is None


def test_a_file_that_cannot_be_used_fails_each_attempt_by_name(tmp_path: Path) -> None:
    """Missing, or no PEM; a file that is mended meanwhile is taken up."""
    file = tmp_path / "ca.pem"
    with RawServer(answer(OK), tls=tls_server()) as server:
        assert post(server.url, Tls(file)).error == f"{file}: No such file or directory"
        file.write_text("nothing of the kind")
        assert post(server.url, Tls(file)).error == f"tls.ca: {file} holds no certificate in PEM"
        error = post(server.url, Tls(CERTIFICATE, certificate=file)).error
        assert error == f"tls.certificate: {file} and its key are no pair in PEM without a password"
        shutil.copy(CERTIFICATE, file)
        assert post(server.url, Tls(file)).is_success


def test_a_renewed_file_is_read_again_and_an_old_one_is_not(tmp_path: Path) -> None:
    """With the next connection, without a restart."""
    file = tmp_path / "ca.pem"
    shutil.copy(CERTIFICATE, file)
    contexts = Contexts(Tls(file))
    first = contexts.context()
    assert contexts.context() is first
    file.write_text(f"{CERTIFICATE.read_text()}\n")
    assert contexts.context() is not first


def test_a_proxy_of_its_own_comes_before_the_environment() -> None:
    """Also on the way to this machine, since somebody wrote it for this endpoint; `direct` asks none."""
    with WebhookReceiver() as proxy, WebhookReceiver() as receiver:
        through = f"http://127.0.0.1:{proxy.port}"
        assert post(receiver.url, Tls(), through, NO_PROXY="*").is_success
        assert [request.path for request in proxy.requests] == [receiver.url]
        assert post("http://hooks.invalid/", Tls(), "", HTTP_PROXY=through).status is None
        assert len(proxy.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_the_keys_of_the_configuration_reach_the_connection(settings: Settings) -> None:
    """From `tls` and `proxy` to events that arrive."""
    log_events(2)
    with RawServer(answer(OK), tls=tls_server()) as server, WebhookReceiver() as proxy:
        keys = {"ca": str(CERTIFICATE), "certificate": str(CERTIFICATE)}
        configure(
            settings,
            configured("secure", server.url, tls=keys, proxy="direct"),
            configured("through", "http://hooks.invalid/", proxy=f"http://u:pw@127.0.0.1:{proxy.port}"),
        )
        start_at(0, "secure", "through")
        with relay() as running:
            running.wait_for("secure", 2)
            running.wait_for("through", 2)
    assert ids(proxy.events()) == [1, 2]
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic dTpwdw=="


def test_the_password_of_a_proxy_is_shown_to_nobody() -> None:
    """Neither where the configuration is printed nor in a traceback."""
    endpoint = configured("a", "http://a.example/", proxy="http://u:hush@proxy.example:3128")
    assert "hush" not in f"{endpoint!r} {endpoint.model_dump_json()}"
    assert endpoint.proxy_url == "http://u:hush@proxy.example:3128"
