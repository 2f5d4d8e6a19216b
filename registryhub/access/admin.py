"""Users, sources, repositories and tokens in the admin. Secrets are never shown: commands and the API make them."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from registryhub.access.models import ApiToken, Guess, Repository, Source, SourceSecret, SourceToken
from registryhub.access.repositories import set_public

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]  # unfold's own signatures are looser
    """People who may log in."""


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups of people."""


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    """Registries whose events come in. Its page on the site deletes one, if it has sent nothing yet."""

    list_display = ("name", "is_enabled", "is_public", "events_per_second", "created_at")
    search_fields = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False


@admin.register(Repository)
class RepositoryAdmin(ModelAdmin):
    """Repositories of every source; making one public or private is done here."""

    list_display = ("name", "source", "is_public", "created_at")
    list_filter = ("source", "is_public")
    list_editable = ("is_public",)
    list_select_related = ("source",)
    readonly_fields = ("source", "name", "created_at")
    search_fields = ("name",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        set_public(obj.pk, is_public=obj.is_public)


class TokenAdmin(ModelAdmin):
    """Tokens can be looked at and revoked; `create_token` and `create_source` make them."""

    readonly_fields = ("created_at",)
    search_fields = ("label",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(SourceToken)
class SourceTokenAdmin(TokenAdmin):
    list_display = ("source", "label", "created_at", "expires_at")
    list_select_related = ("source",)


@admin.register(SourceSecret)
class SourceSecretAdmin(TokenAdmin):
    """What sources sign with; it can be taken away, and is never shown."""

    list_display = ("source", "created_at", "expires_at")
    list_select_related = ("source",)
    search_fields = ("source__name",)


@admin.register(ApiToken)
class ApiTokenAdmin(TokenAdmin):
    list_display = ("user", "label", "created_at", "expires_at")
    list_select_related = ("user",)


@admin.register(Guess)
class GuessAdmin(ModelAdmin):
    """Who has to wait for guessing passwords; deleting a row lets them try again."""

    list_display = ("key", "failures", "failed_at", "wait_until")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
