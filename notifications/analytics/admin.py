"""The counters in the admin, to look at: they follow from the log, so nobody changes them by hand."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from notifications.analytics.models import RepositoryTotals, TagTotals
from registryhub.database.bounded import BoundedPaginator


class TotalsAdmin(ModelAdmin):
    """Read only, and without counting millions of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_select_related = ("repository",)
    search_fields = ("repository__name__exact",)
    search_help_text = "the whole name of a repository"
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(RepositoryTotals)
class RepositoryTotalsAdmin(TotalsAdmin):
    list_display = ("repository", "pulls", "checks", "pushes", "last_pulled_at", "last_seen_at", "last_pushed_at")
    ordering = ("-pulls",)


@admin.register(TagTotals)
class TagTotalsAdmin(TotalsAdmin):
    list_display = ("repository", "tag", "pulls", "checks", "pushes", "last_pulled_at", "last_seen_at")
    ordering = ("-id",)
