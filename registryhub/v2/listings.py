"""The wire of listings: tags of a repository, and the catalog (reference B.11)."""

from registryhub.http.request import Request
from registryhub.http.response import Headers, Response, json_response
from registryhub.registry import listings
from registryhub.registry.announce import RequestContext
from registryhub.registry.listings import EVERYTHING, Page
from registryhub.v2.hub import Hub
from registryhub.v2.paging import invalid_limit, next_link, read_limit, read_text

CATALOG_PAGE = 100


def tags(hub: Hub, request: Request, context: RequestContext, name: str) -> Response:
    """All tags in bytewise order; with `n` a page of them behind `last`, of at most `tags.maxtags`."""
    limit = read_limit(request)
    if limit is not None and limit < 0:
        raise invalid_limit(limit)
    limit = EVERYTHING if limit is None else min(limit, hub.config.tags.maxtags)
    page = listings.list_tags(name, after=read_text(request, "last"), limit=limit)
    link = _link(f"{hub.prefix}v2/{name}/tags/list", page, limit)
    return json_response({"name": name, "tags": page.names}, headers=link)


def catalog(hub: Hub, request: Request, context: RequestContext) -> Response:
    """A page of the repositories that hold manifests, behind `last`; more than `catalog.maxentries` is refused."""
    largest = hub.config.catalog.maxentries
    limit = read_limit(request)
    if limit is None:
        limit = min(CATALOG_PAGE, largest)
    if not 0 <= limit <= largest:
        raise invalid_limit(str(limit))
    page = listings.list_repositories(after=read_text(request, "last"), limit=limit)
    return json_response({"repositories": page.names}, headers=_link(f"{hub.prefix}v2/_catalog", page, limit))


def _link(path: str, page: Page, limit: int) -> Headers:
    return next_link(path, page.names[-1] if page.has_more and page.names else "", limit)
