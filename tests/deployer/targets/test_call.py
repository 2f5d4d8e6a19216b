"""The signed HTTP call, against a real receiver."""

import ipaddress
import json
import time

import pytest

from deployer.specs import CallSpec
from deployer.targets.base import Image, Job, StepFailed, TryAgain
from deployer.targets.call import CallTarget
from notifications.delivery.outgoing.guard import anywhere, only_outside
from notifications.signing import make_secret, verify
from tests.servers.ports import free_port
from tests.servers.scripted import Answer, redirect
from tests.servers.webhook_receiver import WebhookReceiver

KEY = make_secret()
JOB = Job(7, "shop", Image("shop/web", "v2", "sha256:abc"), lambda seconds: None)


def test_a_call_says_what_to_run_and_is_signed() -> None:
    """The receiver can check it with the key, and tell a repetition by the id."""
    with WebhookReceiver() as receiver:
        target = CallTarget(CallSpec(url=receiver.url, headers={"X-Team": "shop"}), KEY, anywhere)
        assert target.forward == ("call",)
        assert target.backward == ()
        assert target.perform("call", JOB).startswith("answered 200")
        target.perform("call", JOB)
    first, second = receiver.requests
    assert json.loads(first.body) == {
        "deployment": 7,
        "service": "shop",
        "repository": "shop/web",
        "tag": "v2",
        "digest": "sha256:abc",
    }
    verify(KEY, first.headers, first.body, now=time.time())
    assert first.headers["x-team"] == "shop"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "deployment-7"


@pytest.mark.parametrize("answer", [500, 503, 429, 408, Answer(reset=True)])
def test_what_may_pass_is_tried_again(answer: int | Answer) -> None:
    """A receiver that is restarting is no refusal."""
    with WebhookReceiver(answers=[answer]) as receiver, pytest.raises(TryAgain):
        CallTarget(CallSpec(url=receiver.url), KEY, anywhere).perform("call", JOB)


@pytest.mark.parametrize("answer", [400, 401, 404, 422, redirect("/elsewhere")])
def test_a_refusal_is_final(answer: int | Answer) -> None:
    """A redirect too: the body would be lost on the way."""
    with WebhookReceiver(answers=[answer]) as receiver, pytest.raises(StepFailed, match="answered"):
        CallTarget(CallSpec(url=receiver.url), KEY, anywhere).perform("call", JOB)


def test_nobody_there_is_tried_again() -> None:
    """With the reason of the system."""
    target = CallTarget(CallSpec(url=f"http://127.0.0.1:{free_port()}/"), KEY, anywhere)
    with pytest.raises(TryAgain, match="refused"):
        target.perform("call", JOB)


def test_a_url_that_leads_within_is_not_dialled() -> None:
    """Unless an administrator allows the network; the message says how."""
    with WebhookReceiver() as receiver:
        spec = CallSpec(url=receiver.url)
        with pytest.raises(TryAgain, match=r"127\.0\.0\.1 is an address within; allow it with hub\.outgoing\.allow"):
            CallTarget(spec, KEY, only_outside([])).perform("call", JOB)
        assert not receiver.requests
        allowed = only_outside([ipaddress.ip_network("127.0.0.0/8")])
        CallTarget(spec, KEY, allowed).perform("call", JOB)
        assert len(receiver.requests) == 1
