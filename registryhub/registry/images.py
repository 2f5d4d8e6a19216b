"""What an image is to people: for which platforms, how large, and made of what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from notifications.facts import Facts, readable_platforms, short_children
from registryhub.oci.configs import CONFIGS, MAX_CONFIG_BYTES, ImageConfig, parse_config
from registryhub.oci.digests import Digest
from registryhub.oci.errors import OciError
from registryhub.oci.manifests import Descriptor, Manifest, Platform, parse_manifest
from registryhub.registry import models
from registryhub.registry.models import BlobLink
from registryhub.storage import paths
from registryhub.storage.base import StorageDriver, StorageError

_REMEMBERED_CONFIGS = 512
_NO_PLATFORM = "unknown"  # what builders call their attestations


@dataclass(frozen=True, slots=True)
class Variant:
    """What is pulled for one platform. `manifest` is None when the repository does not hold it (any more)."""

    digest: str
    platform: Platform | None
    manifest: Manifest | None
    manifest_bytes: int

    @property
    def size(self) -> int | None:
        """Bytes that a client fetches which has nothing yet."""
        if self.manifest is None:
            return None
        return self.manifest_bytes + sum(_sizes(self.manifest.references).values())


@dataclass(frozen=True, slots=True)
class Image:
    """What a tag points at: one variant, or an index of several; `size` counts what they share once."""

    media_type: str
    is_index: bool
    size: int
    variants: Sequence[Variant]

    @property
    def platforms(self) -> Sequence[Platform]:
        """As far as they are known, each once."""
        return list({str(found): found for variant in self.variants if (found := variant.platform)}.values())


def read_images(repository_id: int, digests: Collection[str], driver: StorageDriver) -> dict[str, Image]:
    """The images of a repository by their digests; those that cannot be read are left out. At most three queries."""
    found = _read_manifests(repository_id, digests)
    children = {str(child.digest) for stored in found.values() for child in stored.manifest.children}
    parts = found | _read_manifests(repository_id, children - found.keys())
    named = {str(child.digest) for stored in found.values() for child in stored.manifest.children if child.platform}
    unnamed = [stored.manifest for digest, stored in parts.items() if digest not in named]
    platforms = _platforms(repository_id, unnamed, driver)
    return {digest: _image(stored, parts, platforms) for digest, stored in found.items()}


def read_config(repository_id: int, manifest: Manifest, driver: StorageDriver) -> ImageConfig | None:
    """The configuration of a variant, when it is one of an image and the repository still has it. One query."""
    config = _image_config(manifest)
    if config is None or not _linked(repository_id, [config.digest]):
        return None
    return _load_config(driver, config.digest, config.size)


def find_platforms(manifest: Manifest, driver: StorageDriver, *, among: Collection[str]) -> tuple[str, ...]:
    """What is being pushed runs on, in words: what an index says of its children, or an image in its configuration.

    No query: the configuration is read if it is `among` what the repository must have.
    """
    config = _image_config(manifest)
    if config is None:
        platforms = [child.platform for child in manifest.children]
    else:
        loaded = _load_config(driver, config.digest, config.size) if str(config.digest) in among else None
        platforms = [loaded.platform if loaded else None]
    return readable_platforms(str(platform) for platform in platforms if platform and platform.os != _NO_PLATFORM)


def describe(manifest: Manifest, platforms: Iterable[str]) -> Facts:
    """What events of it tell besides the wire."""
    return Facts(
        platforms=tuple(platforms),
        children=short_children(child.digest.hex for child in manifest.children),
        is_attached=manifest.is_attached,
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    digest: str
    size: int
    manifest: Manifest


def _read_manifests(repository_id: int, digests: Collection[str]) -> dict[str, _Stored]:
    if not digests:
        return {}
    rows = models.Manifest.objects.filter(repository_id=repository_id, digest__in=list(digests))
    found: dict[str, _Stored] = {}
    for digest, media_type, size, payload in rows.values_list("digest", "media_type", "size", "payload"):
        try:
            found[digest] = _Stored(digest, size, parse_manifest(bytes(payload), media_type))
        except OciError:  # rows of an older rule
            continue
    return found


def _image(stored: _Stored, parts: Mapping[str, _Stored], platforms: Mapping[str, Platform]) -> Image:
    manifest = stored.manifest
    if manifest.config is not None:
        variants = [_variant(stored.digest, None, stored, platforms)]
    else:
        variants = [
            _variant(str(child.digest), child.platform, parts.get(str(child.digest)), platforms)
            for child in manifest.children
        ]
    sizes = {stored.digest: stored.size}
    for variant in variants:
        sizes[variant.digest] = variant.manifest_bytes
        sizes |= _sizes(variant.manifest.references) if variant.manifest else {}
    return Image(manifest.media_type, manifest.config is None, sum(sizes.values()), variants)


def _variant(
    digest: str, platform: Platform | None, stored: _Stored | None, platforms: Mapping[str, Platform]
) -> Variant:
    manifest = stored.manifest if stored else None
    if platform is None and manifest is not None and manifest.config is not None:
        platform = platforms.get(str(manifest.config.digest))
    if platform is not None and platform.os in ("", _NO_PLATFORM):
        platform = None
    return Variant(digest, platform, manifest, stored.size if stored else 0)


def _sizes(descriptors: Iterable[Descriptor]) -> dict[str, int]:
    return {str(item.digest): item.size for item in descriptors}


def _platforms(repository_id: int, manifests: Iterable[Manifest], driver: StorageDriver) -> dict[str, Platform]:
    """By the digests of configurations, of images that no index names a platform for."""
    configs = {str(config.digest): config for manifest in manifests if (config := _image_config(manifest)) is not None}
    found: dict[str, Platform] = {}
    for digest in _linked(repository_id, [config.digest for config in configs.values()]):
        loaded = _load_config(driver, configs[digest].digest, configs[digest].size)
        if loaded is not None:
            found[digest] = loaded.platform
    return found


def _image_config(manifest: Manifest) -> Descriptor | None:
    config = manifest.config
    is_readable = config is not None and config.media_type in CONFIGS and config.size <= MAX_CONFIG_BYTES
    return config if is_readable else None


def _linked(repository_id: int, digests: Collection[Digest]) -> set[str]:
    if not digests:
        return set()
    wanted = [str(digest) for digest in digests]
    links = BlobLink.objects.filter(repository_id=repository_id, blob__digest__in=wanted)
    return set(links.values_list("blob__digest", flat=True))


def _load_config(driver: StorageDriver, digest: Digest, size: int) -> ImageConfig | None:
    try:
        return _remembered_config(driver, digest, size)  # type: ignore[arg-type]  # each driver is itself
    except (StorageError, OSError):
        return None


@lru_cache(maxsize=_REMEMBERED_CONFIGS)
def _remembered_config(driver: StorageDriver, digest: Digest, size: int) -> ImageConfig | None:
    """Never stale: the bytes of a digest do not change."""
    reader = driver.open_reader(paths.blob_data(digest.algorithm, digest.hex), length=size)
    try:
        return parse_config(b"".join(reader))
    finally:
        reader.close()
