"""What is stored, in the admin, to look at: it is changed by pushing, deleting and collecting only."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from registryhub.database.bounded import LookAtAdmin
from registryhub.registry.models import Blob, BlobLink, Collection, Manifest, Tag, Upload


class StoredAdmin(LookAtAdmin):
    """The newest first. Searches are exact: they must find their index."""

    ordering = ("-pk",)


@admin.register(Blob)
class BlobAdmin(StoredAdmin):
    list_display = ("digest", "size", "created_at")
    search_fields = ("digest__exact",)
    search_help_text = "a whole digest"


@admin.register(BlobLink)
class BlobLinkAdmin(StoredAdmin):
    list_display = ("repository", "blob", "created_at")
    list_select_related = ("repository", "blob")
    search_fields = ("blob__digest__exact",)
    search_help_text = "a whole digest"


@admin.register(Manifest)
class ManifestAdmin(StoredAdmin):
    list_display = ("repository", "digest", "media_type", "size", "created_at")
    list_select_related = ("repository",)
    search_fields = ("repository__name__exact",)
    search_help_text = "the whole name of a repository"
    fields = ("repository", "digest", "media_type", "size", "created_at", "content")
    readonly_fields = ("content",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Manifest]:
        rows: QuerySet[Manifest] = super().get_queryset(request)
        return rows.defer("payload")

    @admin.display(description="content")
    def content(self, manifest: Manifest) -> str:
        """Laid out for reading."""
        text = bytes(manifest.payload).decode("utf-8", "replace")
        try:
            document: Any = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return json.dumps(document, indent=2, ensure_ascii=False)


@admin.register(Tag)
class TagAdmin(StoredAdmin):
    list_display = ("repository", "name", "digest", "media_type", "moved_at")
    list_select_related = ("repository",)
    search_fields = ("repository__name__exact",)
    search_help_text = "the whole name of a repository"
    raw_id_fields = ("manifest",)


@admin.register(Upload)
class UploadAdmin(StoredAdmin):
    list_display = ("id", "repository_name", "offset", "started_at", "updated_at")
    search_fields = ("repository_name__exact",)
    search_help_text = "the whole name of a repository"
    ordering = ("-started_at",)


@admin.register(Collection)
class CollectionAdmin(StoredAdmin):
    list_display = ("id", "state", "phase", "is_dry_run", "blobs", "freed_bytes", "started_at", "finished_at")
    list_filter = ("state", "is_dry_run")
