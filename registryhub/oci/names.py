"""The grammar of repository names and tags (reference B.2, OCI distribution-spec 1.1 "Pulling manifests").

The patterns are sources of regular expressions for the table of routes: what does not match them is no route.
No alternative of theirs can match the same text in two ways, so none backtracks more than linearly.
"""

import re

from registryhub.oci.errors import NAME_INVALID, TAG_INVALID, OciError

MAX_NAME_LENGTH = 255
MAX_TAG_LENGTH = 128

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"

NAME_PATTERN = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
"""The first component may be a host, as in Distribution; `parse_repository` refuses one with a port."""

TAG_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"

_NAME = re.compile(NAME_PATTERN)
_TAG = re.compile(TAG_PATTERN)


def parse_repository(text: str) -> str:
    """A repository name whose components are safe as names of folders. Raises OciError(NAME_INVALID)."""
    if len(text) > MAX_NAME_LENGTH:
        raise OciError(NAME_INVALID, f"{len(text)} characters; a repository name has at most {MAX_NAME_LENGTH}")
    if _NAME.fullmatch(text) is None:
        raise OciError(
            NAME_INVALID,
            "a repository name is components of lower-case letters and digits, joined by '/';"
            " inside a component '.', '_', '__' or '-' may separate them",
        )
    if ":" in text:
        raise OciError(NAME_INVALID, "a repository name holds no ':'; leave out the port of the registry")
    return text


def parse_tag(text: str) -> str:
    """A tag. Raises OciError(TAG_INVALID)."""
    if _TAG.fullmatch(text) is None:
        raise OciError(
            TAG_INVALID,
            f"a tag is 1 to {MAX_TAG_LENGTH} letters, digits, '_', '.' and '-', and starts with none of the last two",
            message="invalid tag",
        )
    return text
