"""What the rules of keeping take as patterns, with the mend for what they do not (see `registryhub.patterns`).

Names of repositories are meant by globs, tags by regular expressions.
"""

import re

from django.core.exceptions import ValidationError

from registryhub.oci.errors import OciError
from registryhub.oci.names import parse_repository
from registryhub.patterns import compile_pattern

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._/*?-]")


def check_glob(text: str) -> None:
    """Raises ValidationError, which names the mend."""
    if found := _NOT_IN_NAMES.search(text):
        raise ValidationError(
            f"No repository has {found[0]!r} in its name. Write a name with *, ** and ? for what differs: team/**."
        )


def check_pattern(text: str) -> None:
    """Raises ValidationError, which says what RE2 does not take."""
    try:
        compile_pattern(text)
    except ValueError as error:
        raise ValidationError(f"{text!r} {error}.") from None


def check_namespace(text: str) -> None:
    """Raises ValidationError, which names the mend."""
    try:
        parse_repository(text)
    except OciError as error:
        raise ValidationError(f"{text!r} is no namespace: {error.detail}.") from None
