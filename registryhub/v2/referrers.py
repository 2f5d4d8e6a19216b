"""The wire of referrers: GET and HEAD (OCI distribution-spec 1.1 "Listing Referrers")."""

from registryhub.http.request import Request
from registryhub.http.response import Headers, Response
from registryhub.oci.digests import parse_digest
from registryhub.oci.media_types import OCI_INDEX
from registryhub.registry.announce import RequestContext
from registryhub.registry.referrers import list_referrers
from registryhub.v2.hub import Hub
from registryhub.v2.paging import invalid_limit, next_link, read_limit, read_text

PAGE = 100
LARGEST_PAGE = 1000

_INDEX = b'{"schemaVersion":2,"mediaType":"%b","manifests":[%b]}'


def get(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """An index of what is attached to the digest, page by page; an empty one when nothing is, whatever the name.

    `artifactType` asks for one type only. Clients read 404 as "this registry has no such listing".
    """
    subject = parse_digest(digest)
    limit = read_limit(request)
    if limit is not None and limit < 0:
        raise invalid_limit(limit)
    limit = PAGE if limit is None else min(limit, LARGEST_PAGE)
    artifact_type = read_text(request, "artifactType").replace(" ", "+")  # of "+json" typed as it is
    found = list_referrers(name, subject, artifact_type=artifact_type, after=read_text(request, "last"), limit=limit)
    body = _INDEX % (OCI_INDEX.encode(), b",".join(found.descriptors))
    headers: Headers = [("content-type", OCI_INDEX), ("content-length", str(len(body)))]
    if artifact_type:
        headers.append(("oci-filters-applied", "artifactType"))
    asked = {"artifactType": artifact_type} if artifact_type else {}
    headers += next_link(f"{hub.prefix}v2/{name}/referrers/{digest}", found.last, limit, asked)
    return Response(200, headers, body)
