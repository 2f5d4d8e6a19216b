"""Pushes, deletes, mounts and listings of two repositories in any order, each compared with the model."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from registryhub.oci.digests import digest_of
from tests.registry.stage import dump
from tests.v2.fuzz.ground import Ground, check_answer
from tests.v2.fuzz.model import Repository, image, index
from tests.v2.plane import Answer

TAGS = ("v1", "v10", "v2", "A", "_")
CONTENTS = tuple(f"content {number}".encode() * number for number in range(5))
_numbers = count()

PLACE = st.sampled_from((0, 1))
TAG = st.sampled_from(TAGS)
CONTENT = st.sampled_from(CONTENTS)
TAG_SETS = st.sets(TAG, max_size=len(TAGS))
PICK = st.integers(0, 1000)
NOBODY = str(digest_of(b"not yet"))


class RegistryMachine(RuleBasedStateMachine):
    """Each run has two new repositories; `ground` is set before the machine runs."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        number = next(_numbers)
        self.places = tuple(Repository(f"machine/{number}/{side}") for side in ("left", "right"))
        self.open: dict[str, tuple[Repository, bytes]] = {}
        for content in CONTENTS[:3]:
            self.push_blob(0, content, is_at_once=True)

    def ask(self, method: str, place: Repository, below: str, **more: Any) -> Answer:
        answer = self.ground.plane.request(method, f"/v2/{place.name}/{below}", **more)
        check_answer(method, answer)
        return answer

    def pages(self, place: Repository, below: str, key: str, size: int) -> Iterator[Any]:
        """Everything a listing has, by following its links."""
        target = f"{below}{'&' if '?' in below else '?'}n={size}"
        while True:
            answer = self.ask("GET", place, target)
            assert answer.status == 200, answer.body
            found = answer.json[key]
            assert len(found) <= size
            yield from found
            if "link" not in answer.headers:
                return
            assert len(found) == size
            target = answer.headers["link"].split(">")[0].removeprefix(f"</v2/{place.name}/")

    @rule(side=PLACE, content=CONTENT, is_at_once=st.booleans())
    def push_blob(self, side: int, content: bytes, is_at_once: bool) -> None:
        place, digest = self.places[side], str(digest_of(content))
        headers, closing = {"transfer-encoding": "chunked"}, urlencode({"digest": digest})
        if is_at_once:
            answer = self.ask("POST", place, f"blobs/uploads/?{closing}", body=content, headers=headers)
        else:
            answer = self.ask("PUT", place, f"{self.start(place)}&{closing}", body=content, headers=headers)
        assert answer.status == 201
        place.blobs[digest] = content

    def start(self, place: Repository) -> str:
        return self.below(place, self.ask("POST", place, "blobs/uploads/"))

    def below(self, place: Repository, answer: Answer) -> str:
        assert answer.status in (202, 204), answer.body
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path.removeprefix(f'/v2/{place.name}/')}?{parts.query}"

    @rule(side=PLACE, content=CONTENT)
    def begin_upload(self, side: int, content: bytes) -> None:
        """It is left open; later rules go on."""
        place = self.places[side]
        where = self.start(place)
        answer = self.ask("PATCH", place, where, body=content)
        self.open[self.below(place, answer)] = place, content

    @precondition(lambda self: self.open)
    @rule(pick=PICK, content=CONTENT, how=st.sampled_from(("finish", "grow", "cancel", "wrong", "ask")))
    def go_on(self, pick: int, content: bytes, how: str) -> None:
        where = sorted(self.open)[pick % len(self.open)]
        place, so_far = self.open[where]
        if how == "ask":
            answer = self.ask("GET", place, where.partition("?")[0])
            assert answer.headers["range"] == f"0-{max(len(so_far) - 1, 0)}"
            return
        del self.open[where]
        digest = str(digest_of(so_far + content))
        if how == "grow":
            self.open[self.below(place, self.ask("PATCH", place, where, body=content))] = place, so_far + content
        elif how == "cancel":
            assert self.ask("DELETE", place, where).status == 204
        elif how == "wrong":
            other = str(digest_of(b"another"))
            assert self.ask("PUT", place, f"{where}&{urlencode({'digest': other})}", body=content).status == 400
        else:
            assert self.ask("PUT", place, f"{where}&{urlencode({'digest': digest})}", body=content).status == 201
            place.blobs[digest] = so_far + content
        if how in ("cancel", "wrong", "finish"):
            assert self.ask("GET", place, where.partition("?")[0]).status == 404

    @rule(side=PLACE, content=CONTENT, is_named=st.booleans())
    def mount(self, side: int, content: bytes, is_named: bool) -> None:
        place, source, digest = self.places[side], self.places[1 - side], str(digest_of(content))
        query = {"mount": digest, "from": source.name} if is_named else {"mount": digest}
        answer = self.ask("POST", place, f"blobs/uploads/?{urlencode(query)}")
        if is_named:
            assert answer.status == (201 if digest in source.blobs else 202)
        elif digest in source.blobs or digest in place.blobs:
            assert answer.status == 201
        if answer.status == 201:
            place.blobs[digest] = content

    @rule(side=PLACE, content=CONTENT)
    def delete_blob(self, side: int, content: bytes) -> None:
        place, digest = self.places[side], str(digest_of(content))
        answer = self.ask("DELETE", place, f"blobs/{digest}")
        assert answer.status == (202 if place.blobs.pop(digest, None) is not None else 404)

    @rule(side=PLACE, contents=st.lists(CONTENT, max_size=3, unique=True), tags=TAG_SETS, pick=PICK)
    def push_image(self, side: int, contents: list[bytes], tags: set[str], pick: int) -> None:
        """Sometimes of blobs that are not there; often attached to another one, which may not be there either."""
        place = self.places[side]
        blobs = {str(digest_of(content)): content for content in contents} or place.blobs
        if blobs:
            subjects = [NOBODY, NOBODY, None, *sorted(place.manifests)]
            self.put(place, image(blobs, subject=subjects[pick % len(subjects)], kind=str(pick % 3)), sorted(tags))

    @precondition(lambda self: any(place.manifests for place in self.places))
    @rule(side=PLACE, from_side=PLACE, picks=st.lists(PICK, min_size=1, max_size=3), tags=TAG_SETS)
    def push_index(self, side: int, from_side: int, picks: list[int], tags: set[str]) -> None:
        source = self.places[from_side]
        known = sorted(source.manifests)
        if known:
            chosen = {known[pick % len(known)]: b"" for pick in picks}
            manifests = {digest: source.manifests[digest] for digest in chosen}
            self.put(self.places[side], index(manifests, source.kinds), sorted(tags))

    def put(self, place: Repository, document: dict[str, Any], tags: list[str]) -> None:
        """By one tag, or by digest with all tags at once."""
        content = dump(document)
        digest = str(digest_of(content))
        reference = tags[0] if len(tags) == 1 else f"{digest}?{urlencode([('tag', tag) for tag in tags])}"
        headers = {"content-type": document["mediaType"]}
        answer = self.ask("PUT", place, f"manifests/{reference}", body=content, headers=headers)
        if missing := place.lacks(document):
            assert answer.status == 400
            assert {error["code"] for error in answer.json["errors"]} == {"MANIFEST_BLOB_UNKNOWN"}
            assert {error["detail"] for error in answer.json["errors"]} == missing
            return
        assert (answer.status, answer.headers["docker-content-digest"]) == (201, digest)
        assert answer.headers.get("oci-subject") == document.get("subject", {}).get("digest")
        place.put(content, document, tags=tags)

    @rule(side=PLACE, tag=TAG)
    def delete_tag(self, side: int, tag: str) -> None:
        place = self.places[side]
        answer = self.ask("DELETE", place, f"manifests/{tag}")
        assert answer.status == (202 if place.tags.pop(tag, None) else 404)

    @precondition(lambda self: any(place.manifests for place in self.places))
    @rule(side=PLACE, from_side=PLACE, pick=PICK)
    def delete_manifest(self, side: int, from_side: int, pick: int) -> None:
        place, known = self.places[side], sorted(self.places[from_side].manifests)
        if known:
            digest = known[pick % len(known)]
            answer = self.ask("DELETE", place, f"manifests/{digest}")
            assert answer.status == (202 if digest in place.manifests else 404)
            if digest in place.manifests:
                place.remove(digest)

    @invariant()
    def everything_is_served_as_it_was_pushed(self) -> None:
        for place in self.places:
            for content in CONTENTS:
                digest = str(digest_of(content))
                answer = self.ask("GET", place, f"blobs/{digest}")
                assert (answer.status == 200) == (digest in place.blobs)
                assert answer.status == 404 or answer.body == content
            for digest, content in place.manifests.items():
                assert self.ask("GET", place, f"manifests/{digest}").body == content
            for tag in TAGS:
                answer = self.ask("HEAD", place, f"manifests/{tag}")
                assert answer.headers.get("docker-content-digest") == place.tags.get(tag)
        self.ground.check_store()

    @invariant()
    def everything_is_listed(self) -> None:
        """A repository that holds no manifest is none."""
        for place in self.places:
            if place.manifests:
                assert list(self.pages(place, "tags/list", "tags", 2)) == sorted(place.tags)
            else:
                assert self.ask("GET", place, "tags/list").code == "NAME_UNKNOWN"
            for digest in {NOBODY, *place.manifests}:
                found = self.pages(place, f"referrers/{digest}", "manifests", 2)
                assert [entry["digest"] for entry in found] == place.referrers(digest)
        above = self.places[0].name.rpartition("/")[0]
        found = self.ground.plane.get(f"/v2/_catalog?{urlencode({'n': 2, 'last': above})}").json["repositories"]
        names = [name for name in found if name.startswith(f"{above}/")]
        assert names == [place.name for place in self.places if place.manifests]
