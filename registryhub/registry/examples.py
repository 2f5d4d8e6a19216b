"""What the schema of the API shows as an answer about repositories and tags."""

from drf_spectacular.utils import OpenApiExample

_NUMBERS = {
    "pulls": 147_010,
    "pushes": 40,
    "checks": 31_204,
    "last_pulled_at": "2026-11-24T09:21:07.120044Z",
    "last_seen_at": "2026-11-24T09:21:44.003918Z",
    "last_pushed_at": "2026-11-24T09:12:00.481220Z",
}
_REPOSITORY = {
    "name": "platform/api",
    "source": "hub",
    "is_public": True,
    **_NUMBERS,
    "tags": 12,
    "size": 412_806_144,
    "excluded": 15_918,
    "bytes": 242_009_113_600,
    "pullers": 13_106,
    "pulls_24h": 18_121,
    "pulls_7d": 91_789,
    "pulls_30d": 147_010,
    "pulls_90d": 147_010,
}
_TAG = {
    "name": "5.2.0",
    "digest": "sha256:e64cc5ba93e9f2b1f6c1a1d0a7b8a7f2f9d0e7d64f6c0c2a9a3f5f7b1c2d3e4f",
    "media_type": "application/vnd.oci.image.index.v1+json",
    "size": 856,
    "moved_at": "2026-11-24T09:12:00.481220Z",
    **_NUMBERS,
}
_TAGS = "http://127.0.0.1:5000/api/v1/tags"

REPOSITORY_EXAMPLE = OpenApiExample("A repository", _REPOSITORY, response_only=True, status_codes=["200"])
REPOSITORIES_EXAMPLE = OpenApiExample(
    "The only page", {"next": None, "results": [_REPOSITORY]}, response_only=True, status_codes=["200"]
)
TAGS_EXAMPLE = OpenApiExample(
    "A page of one tag",
    {
        "next": "http://127.0.0.1:5000/api/v1/tags?repository=platform%2Fapi&limit=1&cursor=WyI1LjIuMCJd",
        "results": [_TAG],
    },
    response_only=True,
    status_codes=["200"],
)
