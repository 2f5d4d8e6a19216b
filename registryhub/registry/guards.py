"""Which manifests are needed outside the registry: settings.DIGEST_GUARDS, asked before anything is removed.

A guard is `(repository, digests) -> {digest: why it is needed}`. It sees repositories of this hub only, answers with
one query however many digests it is asked about, and gives the reason in words, such as "service web runs it".
"""

from collections.abc import Callable, Collection, Mapping

from django.conf import settings
from django.utils.module_loading import import_string

Guard = Callable[[str, Collection[str]], Mapping[str, str]]


def in_use(repository: str, digests: Collection[str]) -> dict[str, str]:
    """Those of the digests that somebody needs, with the first reason given; nothing is remembered.

    What a guard raises goes on: what cannot be asked about must not be removed.
    """
    found: dict[str, str] = {}
    for path in settings.DIGEST_GUARDS:
        guard: Guard = import_string(path)
        found = {**guard(repository, digests), **found}
    return found
