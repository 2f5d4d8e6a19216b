"""What the registry lets in, how much it lists at once, and its maintenance: sections of the reference."""

from typing import Annotated, Any, Literal

import re2
from pydantic import AfterValidator, Field

from registryhub.config.section import Section, wrong_at
from registryhub.config.values import CHOICE, Flag, PositiveDuration, Text, Whole, positive_or

CLASSES = ("image", "plugin")


class UploadPurging(Section):
    """Unfinished uploads that began, and last grew, longer ago than `age` are forgotten."""

    enabled: Flag = True
    age_seconds: PositiveDuration = Field(default=168 * 3600.0, alias="age")
    interval_seconds: PositiveDuration = Field(default=24 * 3600.0, alias="interval")
    dryrun: Flag = False


class ReadOnly(Section):
    """Whether everything that would change the registry is answered with 405."""

    enabled: Flag = False


class Maintenance(Section):
    """What is done, or not allowed, while the registry runs."""

    uploadpurging: UploadPurging = UploadPurging()
    readonly: ReadOnly = ReadOnly()


class Catalog(Section):
    """The largest page of the catalog."""

    maxentries: Annotated[Whole, positive_or(1000)] = 1000


def _check_page(number: int) -> int:
    if number < 0:
        raise ValueError("must be 0 or more; 0 means 1000")
    return number or 1000


class Tags(Section):
    """The largest page of a list of tags, for clients that ask for pages."""

    maxtags: Annotated[Whole, AfterValidator(_check_page)] = 1000


def _check_pattern(text: str) -> str:
    try:
        re2.compile(text)
    except re2.error as error:
        raise ValueError(f"is no regular expression (RE2): {error}") from None
    return text


Pattern = Annotated[Text, AfterValidator(_check_pattern)]


class LayerUrls(Section):
    """RE2 patterns, matched anywhere, of the URLs that layers may name; with neither, none may."""

    allow: tuple[Pattern, ...] = ()
    deny: tuple[Pattern, ...] = ()


class IndexPlatform(Section):
    """One platform whose images an index must have."""

    architecture: Text
    os: Text


class Indexes(Section):
    """Of which platforms the images must be there when an index is pushed."""

    platforms: Annotated[Literal["all", "none", "list"], CHOICE] = "all"
    platformlist: tuple[IndexPlatform, ...] = ()

    @classmethod
    def prepare(cls, data: dict[str, Any]) -> dict[str, Any]:
        """A list without platforms would be `none` by mistake."""
        chosen = data.get("platforms")
        if str(getattr(chosen, "text", chosen)).lower() == "list" and not data.get("platformlist"):
            raise wrong_at("platformlist", message="is empty; list the platforms, or write platforms: none")
        return data


class ManifestValidation(Section):
    """What manifests may say, and what must be there when they are pushed."""

    urls: LayerUrls = LayerUrls()
    indexes: Indexes = Indexes()


class Validation(Section):
    """On unless `disabled` is true and `enabled` is not, as in the reference."""

    enabled: Flag = False
    disabled: Flag = False
    manifests: ManifestValidation = ManifestValidation()

    @property
    def is_on(self) -> bool:
        return self.enabled or not self.disabled


class RepositoryPolicy(Section):
    """Which classes of artifacts may be pushed; empty: all."""

    classes: tuple[Annotated[Literal["image", "plugin"], CHOICE], ...] = ()


class Policy(Section):
    """What the registry is for."""

    repository: RepositoryPolicy = RepositoryPolicy()
