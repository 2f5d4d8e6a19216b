"""Who asked, hashed: an address or a name stands in no trace in clear.

Together with the program it tells what belongs together; without it, and by a key of the day, different pullers.
"""

import hmac
from datetime import date
from functools import lru_cache
from hashlib import blake2b, sha256

from django.conf import settings


@lru_cache(maxsize=65_536)
def host_of(address: str) -> str:
    """Without the port, which is another one each time; IPv6 keeps its colons."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, _ = address.rpartition(":")
    return host if colon and ":" not in host else address


@lru_cache(maxsize=65_536)
def hash_visitor(who: str, user_agent: str) -> int:
    """64 bits, signed."""
    return _hash(_secret(settings.SECRET_KEY), f"{who}\0{user_agent}")


@lru_cache(maxsize=65_536)
def hash_puller(day: date, who: str) -> int:
    """64 bits, signed; nobody is known by it on the next day."""
    return _hash(_day_key(settings.SECRET_KEY, day), who)


@lru_cache(maxsize=64)
def _day_key(secret_key: str, day: date) -> bytes:
    return hmac.digest(_secret(secret_key), day.isoformat().encode(), "sha256")


@lru_cache(maxsize=4)
def _secret(secret_key: str) -> bytes:
    return sha256(b"pullers\0" + secret_key.encode()).digest()


def _hash(key: bytes, text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big", signed=True)
