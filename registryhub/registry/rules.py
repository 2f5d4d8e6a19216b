"""What manifests may say, and what must be there when they are pushed: `validation` and `policy` of the configuration.

Reference A.2 and B.7. Whether it is there, `dependencies` finds out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import re2

from registryhub.config.model import Config
from registryhub.config.registry import Policy, Validation
from registryhub.oci.errors import DENIED, MANIFEST_INVALID, OciError
from registryhub.oci.manifests import Descriptor, Manifest
from registryhub.oci.media_types import FOREIGN_LAYERS, INDEXES, LAYERS_FROM_URLS

_CLASSES = {
    "application/vnd.docker.container.image.v1+json": "image",
    "application/vnd.oci.image.config.v1+json": "image",
    "application/vnd.docker.plugin.v1+json": "plugin",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """`classes` are those that may be pushed, empty for all; they hold even when validation is off.

    `platforms` are (os, architecture) of the images that an index must have, None for all. `allow` and `deny` are
    patterns of RE2, found anywhere in a URL.
    """

    is_validating: bool
    classes: frozenset[str]
    platforms: frozenset[tuple[str, str]] | None
    allow: tuple[Any, ...]
    deny: tuple[Any, ...]

    def check(self, manifest: Manifest) -> None:
        """Whether it may be pushed at all, wherever it may go. Raises OciError: DENIED, MANIFEST_INVALID."""
        self._check_class(manifest)
        if self.is_validating:
            refused = list(self._refused_urls(manifest))
            if refused:
                raise OciError(MANIFEST_INVALID, refused[0].detail, more=tuple(refused[1:]))

    def required(self, manifest: Manifest) -> set[str]:
        """The digests of what must be in the repository before the manifest may."""
        if not self.is_validating:
            return set()
        is_needed = self._is_needed_of_index if manifest.media_type in INDEXES else _is_needed_of_image
        return {str(item.digest) for item in manifest.references if is_needed(item)}

    def _check_class(self, manifest: Manifest) -> None:
        if not self.classes or manifest.config is None:
            return
        found = _CLASSES.get(manifest.config.media_type)
        if found not in self.classes:
            kind = f"of class {found}" if found else f"with a configuration of type {manifest.config.media_type!r}"
            allowed = ", ".join(sorted(self.classes))
            raise OciError(DENIED, f"manifests {kind} are not let in; policy.repository.classes allows {allowed}")

    def _is_needed_of_index(self, child: Descriptor) -> bool:
        if self.platforms is None:
            return True
        return child.platform is not None and (child.platform.os, child.platform.architecture) in self.platforms

    def _refused_urls(self, manifest: Manifest) -> Iterator[OciError]:
        for layer in manifest.layers:
            if layer.media_type in LAYERS_FROM_URLS:
                for url in layer.urls:
                    if reason := self._why_refused(url):
                        yield OciError(MANIFEST_INVALID, f"invalid URL on layer {layer.digest}: {reason}")

    def _why_refused(self, url: str) -> str:
        """ "" for a URL that is allowed."""
        shown = url if len(url) <= 200 else f"{url[:200]}…"
        if not (self.allow or self.deny):
            return (
                "this registry holds every layer itself; push it without urls,"
                " or have validation.manifests.urls.allow name them"
            )
        if not _is_web(url):
            return f"{shown!r} must begin with http:// or https://, and have no fragment"
        if self.allow and not any(pattern.search(url) for pattern in self.allow):
            return f"no pattern of validation.manifests.urls.allow matches {shown!r}"
        if any(pattern.search(url) for pattern in self.deny):
            return f"validation.manifests.urls.deny refuses {shown!r}"
        return ""


def read_rules(config: Config) -> Rules:
    """Of the configuration; patterns are compiled once."""
    return _read(config.validation, config.policy)


@lru_cache(maxsize=4)
def _read(validation: Validation, policy: Policy) -> Rules:
    indexes, urls = validation.manifests.indexes, validation.manifests.urls
    listed = frozenset((item.os, item.architecture) for item in indexes.platformlist)
    platforms = {"all": None, "none": frozenset[tuple[str, str]](), "list": listed}
    return Rules(
        is_validating=validation.is_on,
        classes=frozenset(policy.repository.classes),
        platforms=platforms[indexes.platforms],
        allow=tuple(re2.compile(pattern) for pattern in urls.allow),
        deny=tuple(re2.compile(pattern) for pattern in urls.deny),
    )


def _is_needed_of_image(item: Descriptor) -> bool:
    """All but what clients fetch from elsewhere."""
    return not (item.urls and item.media_type in FOREIGN_LAYERS)


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not parts.fragment
