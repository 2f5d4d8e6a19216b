"""Makes the disk tree agree with the rows, where events say that something may have changed.

Whatever came of events before, once or twice or in another order: afterwards the tree says what the rows say. Only what
a tag pointed at in the past is known from the events alone.
"""

from collections.abc import Mapping

from registryhub.database.transactions import relaxed_transaction, release_connection
from registryhub.oci.digests import Digest
from registryhub.registry.tree.changes import Changes
from registryhub.registry.tree.contents import store_contents
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.facts import Facts, find_facts, hold_links
from registryhub.registry.tree.reconcile import reconcile_repository


def mirror(tree: Tree, changes: Mapping[str, Changes]) -> None:
    """Returns before what was written is safe. Raises StorageFull, OSError and database errors: then do it again."""
    for repository, each in changes.items():
        if each.is_emptied:
            tree.remove_repository(repository)
            reconcile_repository(tree, repository)
    facts = find_facts(changes)
    store_contents(tree, {digest for _, digest in facts.manifests})
    release_connection()
    written = {(repository, digest) for repository, digest in facts.linked if tree.write_layer(repository, digest)}
    for repository, digest in facts.manifests:
        tree.write_revision(repository, digest)
    for repository, each in changes.items():
        _mirror_tags(tree, repository, each, facts)
        _remove(tree, repository, each, facts)
    if written:
        _take_back(tree, written)


def _take_back(tree: Tree, written: set[tuple[str, Digest]]) -> None:
    """No event tells of a link that a collection removes, with its file; it may have done so since the rows were asked.

    The blobs are held while they are asked again: what is still linked is removed later, by a collection that then
    finds the file.
    """
    with relaxed_transaction():
        for repository, digest in written - hold_links(written):
            tree.remove_layer(repository, digest)


def _mirror_tags(tree: Tree, repository: str, changes: Changes, facts: Facts) -> None:
    for tag, each in changes.tags.items():
        current = facts.tags.get((repository, tag))
        if current is None:
            tree.remove_tag(repository, tag)
            continue
        indexed = {digest for digest in each.digests if (repository, digest) in facts.manifests} | {current}
        if each.was_deleted:
            for digest in tree.tag_index(repository, tag):
                if digest not in indexed:
                    tree.unindex_tag(repository, tag, digest)
        for digest in indexed:
            tree.index_tag(repository, tag, digest)
        tree.point_tag(repository, tag, current)


def _remove(tree: Tree, repository: str, changes: Changes, facts: Facts) -> None:
    gone = {digest for digest in changes.removed if (repository, digest) not in facts.manifests}
    revisions = {digest for digest in gone if tree.has_revision(repository, digest)}
    if revisions:
        for tag in tree.tags(repository):
            for digest in revisions.intersection(tree.tag_index(repository, tag)):
                tree.unindex_tag(repository, tag, digest)
    for digest in revisions:  # last: that it is there says, after a crash, that tags may still have it
        tree.remove_revision(repository, digest)
    for digest in changes.removed:
        if (repository, digest) not in facts.linked:
            tree.remove_layer(repository, digest)
