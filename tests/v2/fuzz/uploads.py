"""Requests to an upload that has begun, with ids and `_state` tokens made from those that the hub gave out."""

import base64
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

from hypothesis import strategies as st

from registryhub.oci.digests import HEX_LENGTHS, digest_of
from tests.v2.fuzz.calls import BLOB, BODY, CONTENT_RANGES, MISSING, TYPES, methods_like, query, with_headers
from tests.v2.fuzz.ground import CONTENTS, NAMES, Call, Ground
from tests.v2.fuzz.texts import JUNK, LETTERS, mostly, texts
from tests.v2.plane import Answer

_UPLOADS = f"/v2/{NAMES[0]}/blobs/uploads/"


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a token or an id: some characters at a place are taken out, and others put in."""

    at: int = 0
    drop: int = 0
    put: str = ""
    is_inside: bool = False

    def apply(self, text: str) -> str:
        if self.is_inside:  # past the encoding: what was signed is not what stands there
            whole = base64.urlsafe_b64decode(text)
            at = self.at % len(whole)
            changed = whole[:at] + self.put.encode("utf-8", "replace") + whole[at + self.drop :]
            return base64.urlsafe_b64encode(changed).decode()
        at = self.at % (len(text) + 1)
        return text[:at] + self.put + text[at + self.drop :]


@dataclass(frozen=True, slots=True)
class UploadCall:
    """`before` is sent as chunks first; `call` goes to the Location of the answer number `back` from the end."""

    call: Call
    before: tuple[bytes, ...] = ()
    back: int = 0
    state: Change = field(default_factory=Change)
    id: Change = field(default_factory=Change)
    is_elsewhere: bool = False

    def ask(self, ground: Ground) -> Answer:
        locations = [ground.plane.request("POST", _UPLOADS).headers["location"]]
        for chunk in self.before:
            target = _path(locations[-1]) + "?" + urlsplit(locations[-1]).query
            answer = ground.plane.request("PATCH", target, body=chunk)
            assert answer.status == 202
            locations.append(answer.headers["location"])
        where = urlsplit(locations[max(len(locations) - 1 - self.back, 0)])
        folder, _, upload_id = where.path.rpartition("/")
        if self.is_elsewhere:
            folder = folder.replace(NAMES[0], NAMES[1])
        state = self.state.apply(parse_qs(where.query)["_state"][0])
        path = f"{folder}/{self.id.apply(upload_id)}"
        return ground.ask(replace(self.call, path=path, query=(("_state", state), *self.call.query)))


def _path(location: str) -> str:
    return urlsplit(location).path


_PUT = st.one_of(st.sampled_from((*JUNK, *LETTERS, "", "=", "%3D", "a" * 5000)), st.text(max_size=3))
_CHANGE = st.builds(
    Change, at=st.integers(0, 400), drop=st.sampled_from((0, 1, 2, 500)), put=_PUT, is_inside=st.booleans()
)
_OUTSIDE = _CHANGE.map(lambda change: replace(change, is_inside=False))
_ALGORITHMS = st.sampled_from(tuple(HEX_LENGTHS))
_BEFORE = st.lists(st.sampled_from((b"", b"a", *CONTENTS[:2])), max_size=2)
_QUERY = query(digest=BLOB, _state=texts(("x",)))
_STATE = mostly(st.just(Change()), _CHANGE, of_ten=8)
_ID = mostly(st.just(Change()), _OUTSIDE, of_ten=9)
_IS_ELSEWHERE = mostly(st.just(False), st.just(True), of_ten=9)


@st.composite
def upload_calls(draw: st.DrawFn, method: str) -> UploadCall:
    """In half of the cases the token and the id are right."""
    before = tuple(draw(_BEFORE))
    body = draw(BODY)
    right = str(digest_of(b"".join(before) + body, draw(_ALGORITHMS)))
    digest = draw(mostly(st.just((("digest", right),)), _QUERY, of_ten=7))
    sent = draw(with_headers(content_range=_ranges(before, body), content_type=TYPES))
    is_typed = draw(st.sampled_from((False, False, True)))
    call = Call(
        method=draw(methods_like(method)),
        path="",
        query=digest,
        headers=sent if is_typed else {**sent, "content_type": None},
        body=body,
        is_chunked=draw(st.booleans()),
        missing_bytes=draw(MISSING),
    )
    return UploadCall(
        call=call,
        before=before,
        back=draw(st.sampled_from((0, 0, 0, 0, 1, 2))),
        state=draw(_STATE),
        id=draw(_ID),
        is_elsewhere=draw(_IS_ELSEWHERE),
    )


def _ranges(before: tuple[bytes, ...], body: bytes) -> tuple[str, ...]:
    """The right one more often than wrong ones."""
    start = len(b"".join(before))
    right = f"{start}-{start + len(body) - 1}"
    return (right, right, right, f"bytes {right}/*", *CONTENT_RANGES)


UPLOAD_ROUTES = {f"upload {method}": upload_calls(method) for method in ("GET", "PATCH", "PUT", "DELETE")}
