"""The wire of listings: tags of a repository, and the catalog (reference B.11)."""

import re
from typing import Any
from urllib.parse import urlencode

from registryhub.http.request import Request
from registryhub.http.response import Headers, Response, json_response
from registryhub.oci.errors import PAGINATION_NUMBER_INVALID, OciError
from registryhub.registry import listings
from registryhub.registry.announce import RequestContext
from registryhub.registry.listings import EVERYTHING, Page
from registryhub.v2.hub import Hub

CATALOG_PAGE = 100

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def tags(hub: Hub, request: Request, context: RequestContext, name: str) -> Response:
    """All tags in bytewise order; with `n` a page of them behind `last`, of at most `tags.maxtags`."""
    limit = _limit(request)
    if limit is not None and limit < 0:
        raise _invalid(limit)
    limit = EVERYTHING if limit is None else min(limit, hub.config.tags.maxtags)
    page = listings.list_tags(name, after=_last(request), limit=limit)
    link = _link(f"{hub.prefix}v2/{name}/tags/list", page, limit)
    return json_response({"name": name, "tags": page.names}, headers=link)


def catalog(hub: Hub, request: Request, context: RequestContext) -> Response:
    """A page of the repositories that hold manifests, behind `last`; more than `catalog.maxentries` is refused."""
    largest = hub.config.catalog.maxentries
    limit = _limit(request)
    if limit is None:
        limit = min(CATALOG_PAGE, largest)
    if not 0 <= limit <= largest:
        raise _invalid(str(limit))
    page = listings.list_repositories(after=_last(request), limit=limit)
    return json_response({"repositories": page.names}, headers=_link(f"{hub.prefix}v2/_catalog", page, limit))


def _limit(request: Request) -> int | None:
    text = request.query.get("n")
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise _invalid(text)
    return int(text)


def _last(request: Request) -> str:
    """No name holds a NUL, which PostgreSQL refuses: what comes behind it decides nothing."""
    return request.query.get("last", "").partition("\0")[0]


def _link(path: str, page: Page, limit: int) -> Headers:
    """Where the next page is, only if there is one."""
    if not page.has_more or not page.names:
        return []
    query = urlencode({"last": page.names[-1], "n": limit})
    return [("link", f'<{path}?{query}>; rel="next"')]


def _invalid(number: Any) -> OciError:
    return OciError(PAGINATION_NUMBER_INVALID, {"n": number})
