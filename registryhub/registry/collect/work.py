"""Carrying out collections: phase after phase, from wherever the last process stopped."""

import logging
from collections.abc import Callable, Mapping

from django.db import DatabaseError, InterfaceError

from registryhub.database.leases import LeaseLost
from registryhub.registry.collect.claims import claim_next
from registryhub.registry.collect.contents import remove_blobs
from registryhub.registry.collect.files import remove_files
from registryhub.registry.collect.links import remove_links
from registryhub.registry.collect.listen import Listener
from registryhub.registry.collect.runs import Run, Stopping
from registryhub.registry.collect.untagged import remove_untagged
from registryhub.registry.models import Collection
from registryhub.storage.base import StorageDriver

PHASES: Mapping[str, Callable[[Run], None]] = {
    Collection.Phase.MANIFESTS: remove_untagged,
    Collection.Phase.LINKS: remove_links,
    Collection.Phase.BLOBS: remove_blobs,
    Collection.Phase.FILES: remove_files,
}
"""In this order: what a phase removes sets free what the next one looks at."""

_logger = logging.getLogger(__name__)


def carry_out(run: Run) -> None:
    """To its end, which is written down.

    Raises what stood in the way: Stopping, LeaseLost and errors of the database leave it to whoever comes next, all
    else is the end of it too.
    """
    try:
        names = list(PHASES)
        for name in names[names.index(run.collection.phase) :]:
            if name != run.collection.phase:
                run.enter(name)
            PHASES[name](run)
    except (Stopping, LeaseLost, DatabaseError, InterfaceError):
        raise
    except Exception as error:
        run.end(Collection.State.FAILED, f"{type(error).__name__}: {error}")
        raise
    run.end(Collection.State.FINISHED)


def work_off(driver: StorageDriver, is_stopping: Callable[[], bool]) -> None:
    """Carry out what waits or was interrupted, one after the other, while no other process does so."""
    while (collection := claim_next()) is not None:
        run = Run(collection, driver, Listener(), is_stopping)
        try:
            carry_out(run)
        except Stopping:
            run.release()
            return
        except LeaseLost as lost:
            _logger.warning("%s was taken over: %s", collection, lost)
            return
        except Exception:
            _logger.exception("%s failed", collection)
        else:
            collection.refresh_from_db()
            _logger.info(
                "%s: %d manifests, %d links and %d blobs removed, %d bytes freed, %d skipped",
                collection,
                collection.manifests,
                collection.links,
                collection.blobs,
                collection.freed_bytes,
                collection.skipped,
            )
