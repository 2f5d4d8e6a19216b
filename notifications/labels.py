"""The label that the pulls of our own roll-outs carry in their user agent, so that they are told from people's. Pure.

An engine passes the name of whoever drives it on to the registry, among its own words. The label names repository,
digest and roll-out by a keyed hash, so nobody can hide their pulls behind one that they made up.
"""

import hmac
import re
from functools import cache
from hashlib import sha256

_PREFIX = "RegistryHub-Rollout/"
_LABEL = re.compile(rf"{_PREFIX}(?P<rollout>[0-9]{{1,19}})\.(?P<digest>[0-9a-f]{{16}})\.(?P<proof>[0-9a-f]{{32}})")


@cache
def label_key(secret_key: str) -> bytes:
    """The key of the labels, made from the hub's SECRET_KEY."""
    return sha256(b"label\0" + secret_key.encode()).digest()


def make_label(key: bytes, *, repository: str, digest: str, rollout: int) -> str:
    """A word of a user agent. `digest` is that of the image, which may be an index: its parts are pulled under it."""
    short = sha256(digest.encode()).hexdigest()[:16]
    return f"{_PREFIX}{rollout}.{short}.{_prove(key, repository, short, str(rollout))}"


def find_rollout(key: bytes, *, repository: str, user_agent: str) -> int | None:
    """The roll-out that a pull from the repository belongs to; None for everybody else's."""
    if _PREFIX not in user_agent:
        return None
    found = _LABEL.search(user_agent)
    if found is None:
        return None
    proof = _prove(key, repository, found["digest"], found["rollout"])
    return int(found["rollout"]) if hmac.compare_digest(proof, found["proof"]) else None


def _prove(key: bytes, repository: str, digest: str, rollout: str) -> str:
    message = "\0".join((repository, digest, rollout)).encode()
    return hmac.new(key, message, sha256).hexdigest()[:32]
