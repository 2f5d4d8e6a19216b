"""The counters in the admin, to look at: they follow from the log, so nobody changes them by hand."""

from django.contrib import admin

from notifications.analytics.models import RepositoryTotals, TagTotals
from registryhub.database.bounded import LookAtAdmin


class TotalsAdmin(LookAtAdmin):
    """What both counters' pages share."""

    list_select_related = ("repository",)
    search_fields = ("repository__name__exact",)
    search_help_text = "the whole name of a repository"


@admin.register(RepositoryTotals)
class RepositoryTotalsAdmin(TotalsAdmin):
    list_display = ("repository", "pulls", "checks", "pushes", "last_pulled_at", "last_seen_at", "last_pushed_at")
    ordering = ("-pk",)


@admin.register(TagTotals)
class TagTotalsAdmin(TotalsAdmin):
    list_display = ("repository", "tag", "pulls", "checks", "pushes", "last_pulled_at", "last_seen_at")
    ordering = ("-id",)
