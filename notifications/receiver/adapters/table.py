"""Who is understood, in the order in which they are asked whether a document is theirs."""

from notifications.receiver.adapters import (
    acr,
    cloudevents,
    distribution,
    docker_hub,
    ecr,
    forges,
    gitea,
    github,
    harbor,
    hub,
    quay,
    zot,
)
from notifications.receiver.adapters.payloads import Adapter, Document

ADAPTERS: tuple[Adapter, ...] = (
    # CloudEvents, by their type; then those of any other
    hub,
    zot,
    harbor,  # and in its own format
    acr,  # and by Event Grid, and what Distribution does not know
    cloudevents,
    # by the names of fields that no other has
    ecr,
    quay,
    docker_hub,
    github,
    gitea,
    forges,
    # what has an id, an action or a target, as many of the above
    distribution,
)

UNDATED: tuple[Adapter, ...] = (quay, gitea)
"""They leave out when something happened: the time at which it came in is kept with the payload."""


def find_adapter(document: Document) -> Adapter | None:
    return next((adapter for adapter in ADAPTERS if adapter.recognise(document)), None)
