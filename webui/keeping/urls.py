"""The pages about what is kept: rules of retention, immutable tags, quotas."""

from django.urls import path

from webui.keeping import edit, overview, verdicts

urlpatterns = [
    path("keeping", overview.keeping, name="keeping"),
    path("keeping/run", overview.run_now, name="keeping-run"),
    path("keeping/effect", verdicts.effect, name="keeping-effect"),
    path("keeping/verdicts", verdicts.verdicts, name="keeping-verdicts"),
    path("keeping/<slug:kind>/new", edit.new_row, name="keeping-new"),
    path("keeping/<slug:kind>/<int:pk>", edit.change_row, name="keeping-change"),
    path("keeping/<slug:kind>/<int:pk>/delete", edit.delete_row, name="keeping-delete"),
]
