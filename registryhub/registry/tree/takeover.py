"""Takes over a folder that CNCF Distribution has filled, or that a hub has kept whose database is lost.

Bytes stay where they are. The tree is the truth: what it does not have goes from the database. No events are announced
for any of it: whoever listens was told of the pushes when they happened, elsewhere, and a deployer that took them for
new would roll back to years ago. Counters begin at zero.
"""

from collections.abc import Set

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from notifications.log.listing import read_head
from notifications.log.models import Consumer, Intake
from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.registry.keeping import quotas
from registryhub.registry.models import BlobLink, Manifest
from registryhub.registry.tree.consumers import NAME
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.taking import Taking
from registryhub.storage import paths


class TakeoverRefused(Exception):
    """The tree must not be taken for the truth; the text says why and what to do."""


def take_over(tree: Tree, report: Report, *, most_manifest_bytes: int, is_dry: bool) -> None:
    """The whole tree. A run that was broken off goes on when it is started again, and a second one changes nothing.

    Nobody may push meanwhile. Raises TakeoverRefused, and what driver and database raise.
    """
    _check(tree)
    taking = Taking(tree, report, most_manifest_bytes=most_manifest_bytes, is_dry=is_dry)
    taken: set[str] = set()
    for repository in tree.repositories():
        taking.take(repository)
        taken.add(repository)
        report.add("repositories")
    for name in tree.strangers:
        report.skip(f"repository {name}", "its name is none that can be asked for")
    for repository in _known(taken):
        taking.take(repository)
        report.add("emptied repositories")
    if not is_dry:
        quotas.recount_all()
        _settle()


def _check(tree: Tree) -> None:
    if not tree.names(paths.REPOSITORIES):
        raise TakeoverRefused(
            f"there is no repository under {paths.REPOSITORIES} in the storage: give the config.yml of the registry"
            " whose folder it is, or correct storage.filesystem.rootdirectory"
        )
    position = Consumer.objects.filter(name=NAME).values_list("position", flat=True).first() or 0
    is_behind = position < read_head() or Intake.objects.filter(source_id=HUB_SOURCE_ID, kind="event").exists()
    if is_behind and _known(frozenset()):
        raise TakeoverRefused(
            "the database knows of pushes or deletes that are not in the tree yet, and they would be undone:"
            " run export_storage first"
        )


def _known(taken: Set[str]) -> list[str]:
    """Repositories that have something, by the database, and were not taken over."""
    of_it = {"repository_id": OuterRef("pk")}
    filled = Repository.objects.filter(
        Exists(Manifest.objects.filter(**of_it)) | Exists(BlobLink.objects.filter(**of_it)), source_id=HUB_SOURCE_ID
    )
    return [name for name in filled.order_by("name").values_list("name", flat=True) if name not in taken]


def _settle() -> None:
    """One commit that waits for the disk brings all of the relaxed ones before it there."""
    with transaction.atomic():
        Source.objects.filter(pk=HUB_SOURCE_ID).update(name=F("name"))
