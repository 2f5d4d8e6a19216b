"""For each route the requests that are nearly right."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from registryhub.oci.digests import HEX_LENGTHS, digest_of
from registryhub.oci.media_types import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from tests.v2.fuzz.documents import documents, values
from tests.v2.fuzz.ground import ARTIFACT_TYPE, BLOBS, CONTENTS, DOCUMENTS, MANIFESTS, NAMES, TAGS, Call
from tests.v2.fuzz.texts import NUMBERS, digests, headers, mostly, texts

Calls = st.SearchStrategy[Call]
_ALGORITHMS = st.sampled_from(tuple(HEX_LENGTHS))
MISSING = st.sampled_from((0, 0, 0, 0, 0, 1, 5 << 20))
"""Bytes that Content-Length promises and that never come: the client hung up."""
Query = tuple[tuple[str, str], ...]

_ODD_NAMES = ("a" * 255, "a" * 256, "a/" * 200 + "a", "localhost:5000/a", "[::1]/a", "_catalog", "a/blobs")
_ODD_REFERENCES = ("a" * 128, "a" * 129, "a:b", ".", "..")
NAME = mostly(
    st.sampled_from((NAMES[0], NAMES[0], *NAMES)), st.one_of(texts(NAMES), st.sampled_from(_ODD_NAMES)), of_ten=8
)
REFERENCE = mostly(
    st.sampled_from((*TAGS, *MANIFESTS)),
    st.one_of(texts(TAGS), digests(MANIFESTS), st.sampled_from(_ODD_REFERENCES)),
    of_ten=6,
)
BLOB = mostly(digests(BLOBS), digests(MANIFESTS), of_ten=9)
DOCUMENT = documents(DOCUMENTS)
BODY = st.one_of(st.sampled_from(CONTENTS), st.binary(max_size=64), DOCUMENT.map(lambda made: made[1]))
RANGES = ("bytes=0-9", "bytes=10-", "bytes=-5", "bytes=0-0,5-9,-1", "bytes=9-0", "bytes=99999999-", "items=0-1")
CONTENT_RANGES = ("0-3499", "bytes 0-1/2", "bytes=0-69999", "0-0", "5-9", "9-0", f"0-{'9' * 60}", "bytes */5")
ETAGS = (f'"{BLOBS[1]}"', f'W/"{BLOBS[1]}"', f'"{MANIFESTS[0]}"', MANIFESTS[0], "*", '"a", "b"', '"', "W/")
TYPES = (*(str(document["mediaType"]) for document in DOCUMENTS), "application/octet-stream", "text/plain", "")
ACCEPTS = (OCI_MANIFEST, f"{DOCKER_LIST}; q=0.5, {OCI_INDEX};q=0", "*/*", "application/*;q=1", "a/b, ;;,q=", "*/*;q=x")
TOKENS = ("Basic YTpi", "Bearer x.y.z", "Basic", "Bearer", "Digest a=b", "Basic \xff")
FORWARDED = (
    'for=192.0.2.9;proto=https;host="example.org:1"',
    "for=unknown, for=_x;by=",
    'host="\\"',
    "proto=javascript",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X-\xff")


@cache
def methods_like(*right: str) -> st.SearchStrategy[str]:
    """Mostly one of them."""
    return mostly(st.sampled_from(right), st.sampled_from(METHODS), of_ten=9)


@cache
def query(**values: st.SearchStrategy[str]) -> st.SearchStrategy[Query]:
    """Each parameter not at all, once or twice, in any order, among what nobody asked for."""
    one = [st.tuples(st.just(name.replace("_", "-")), value) for name, value in values.items()]
    other = st.tuples(texts(tuple(values) or ("n",)), texts(("1",)))
    return st.lists(st.one_of(*one, *one, *one, other), max_size=4).map(tuple)


@cache
def with_headers(**values: tuple[str, ...]) -> st.SearchStrategy[Mapping[str, str | None]]:
    """The headers that the route reads, and those that every route does."""
    common = {
        "user_agent": headers("docker/28 <client>", "a" * 2000),
        "host": headers("hub.example.org", "[::1]:5000", "a b"),
        "authorization": headers(*TOKENS),
        "forwarded": headers(*FORWARDED),
        "x_forwarded_for": headers("192.0.2.1, 198.51.100.7", "[2001:db8::1]:5", "unknown"),
        "x_forwarded_host": headers("example.org", "example.org/v2/"),
        "x_forwarded_proto": headers("https", "ftp"),
        "x_forwarded_port": headers("8443", "99999999"),
        "x_request_id": headers("1"),
    }
    own = {name: headers(*texts) for name, texts in values.items()}
    return st.fixed_dictionaries(own, optional=common)


def calls(methods: Sequence[str], path: st.SearchStrategy[str], **parts: st.SearchStrategy[Any]) -> Calls:
    """Mostly by the methods of the route."""
    parts.setdefault("headers", with_headers())
    return st.builds(Call, method=methods_like(*methods), path=path, **parts)


def below(strategy: str, **values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A path such as `/v2/{name}/tags/list`."""
    return st.fixed_dictionaries(values).map(lambda chosen: strategy.format(**chosen))


_TAG = st.sampled_from(TAGS)
_TAG_QUERIES = st.lists(mostly(_TAG, texts(TAGS), of_ten=8).map(lambda tag: ("tag", tag)), max_size=3).map(tuple)
_MANIFEST_QUERIES = {
    is_by_digest: mostly(_TAG_QUERIES if is_by_digest else st.just(()), query(tag=texts(TAGS)), of_ten=8)
    for is_by_digest in (False, True)
}
_MANIFEST_BODY = st.one_of(BODY, values().map(lambda value: json.dumps(value).encode()))


@st.composite
def manifest_puts(draw: st.DrawFn) -> Call:
    """Under a tag, or by a digest and then under any number of tags; with the right type and digest more often."""
    kind, content = draw(DOCUMENT)
    body = draw(mostly(st.just(content), _MANIFEST_BODY, of_ten=9))
    own_digest = _ALGORITHMS.map(lambda algorithm: str(digest_of(body, algorithm)))
    is_by_digest = draw(st.booleans())
    chosen = draw(mostly(own_digest if is_by_digest else _TAG, REFERENCE, of_ten=8))
    wrong_type = draw(with_headers(content_type=TYPES))
    return Call(
        method=draw(methods_like("PUT")),
        path=f"/v2/{draw(NAME)}/manifests/{chosen}",
        query=draw(_MANIFEST_QUERIES[is_by_digest]),
        headers={**wrong_type, "content_type": kind} if draw(st.sampled_from(range(5))) else wrong_type,
        body=body,
        is_chunked=draw(st.booleans()),
        missing_bytes=draw(MISSING),
    )


_START_QUERIES = (
    query(digest=BLOB, digest_algorithm=texts(tuple(HEX_LENGTHS))),
    query(mount=BLOB, **{"from": NAME}),
)
_START_ENDS = mostly(st.just(""), texts(("x", "/")), of_ten=9)


@st.composite
def upload_starts(draw: st.DrawFn) -> Call:
    """To send the bytes later, or at once, or to mount them."""
    body = draw(BODY)
    own_digest = _ALGORITHMS.map(lambda algorithm: str(digest_of(body, algorithm)))
    at_once = st.tuples(st.just("digest"), mostly(own_digest, BLOB, of_ten=7)).map(lambda pair: (pair,))
    return Call(
        method=draw(methods_like("POST")),
        path=f"/v2/{draw(NAME)}/blobs/uploads/{draw(_START_ENDS)}",
        query=draw(st.one_of(at_once, *_START_QUERIES)),
        headers=draw(with_headers(content_range=CONTENT_RANGES, content_type=TYPES)),
        body=body,
        is_chunked=draw(st.booleans()),
        missing_bytes=draw(MISSING),
    )


PAGE = query(n=NUMBERS, last=texts((*TAGS, *NAMES)))
VALIDATORS = {"if_none_match": ETAGS, "if_match": ETAGS, "if_range": ETAGS, "range": RANGES}

ROUTES: dict[str, Calls] = {
    "base": calls(METHODS, st.sampled_from(("/v2/", "/v2", "/v2//", "/v2/.", "/v2/%")), query=query(), body=BODY),
    "catalog": calls(("GET", "HEAD"), st.sampled_from(("/v2/_catalog", "/v2/_catalog/")), query=PAGE),
    "tags": calls(("GET", "HEAD"), below("/v2/{name}/tags/list", name=NAME), query=PAGE),
    "referrers": calls(
        ("GET", "HEAD"),
        below("/v2/{name}/referrers/{digest}", name=NAME, digest=digests(MANIFESTS)),
        query=query(
            artifactType=texts((ARTIFACT_TYPE,)), n=NUMBERS, last=st.one_of(digests(MANIFESTS), texts(MANIFESTS))
        ),
    ),
    "manifest get": calls(
        ("GET", "HEAD"),
        below("/v2/{name}/manifests/{reference}", name=NAME, reference=REFERENCE),
        query=query(ns=texts(("docker.io",))),
        headers=with_headers(accept=ACCEPTS, **VALIDATORS),
    ),
    "manifest put": manifest_puts(),
    "manifest delete": calls(
        ("DELETE",), below("/v2/{name}/manifests/{reference}", name=NAME, reference=REFERENCE), body=BODY
    ),
    "blob get": calls(
        ("GET", "GET", "HEAD"),
        below("/v2/{name}/blobs/{digest}", name=NAME, digest=BLOB),
        headers=st.one_of(
            with_headers(range=RANGES), with_headers(range=RANGES, if_range=ETAGS), with_headers(**VALIDATORS)
        ),
    ),
    "blob delete": calls(("DELETE",), below("/v2/{name}/blobs/{digest}", name=NAME, digest=BLOB)),
    "upload start": upload_starts(),
    "anything": calls(
        METHODS,
        st.one_of(
            texts(("/v2/", f"/v2/{NAMES[0]}/tags/list", f"/v2/{NAMES[0]}/manifests/v1", "/v2/_catalog", "/v2/a/b/c")),
            texts(("v2/../v2", "//", "%2e%2e/", f"/{BLOBS[0]}")).map(lambda text: f"/v2/{text}"),
        ),
        query=query(n=NUMBERS, last=texts(NAMES), digest=BLOB),
        headers=with_headers(accept=ACCEPTS, content_type=TYPES, content_range=CONTENT_RANGES, **VALIDATORS),
        body=BODY,
        is_chunked=st.booleans(),
    ),
}
"""All but those that need an upload that has begun (`tests.v2.fuzz.uploads`)."""
