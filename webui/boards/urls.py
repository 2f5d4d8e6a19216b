"""The pages about who leads, and the one that says how it is counted."""

from django.urls import path

from webui.boards import counting, views

urlpatterns = [
    path("boards", views.all_boards, name="boards"),
    path("boards/<slug:name>", views.one_board, name="boards-board"),
    path("counting", counting.counting, name="boards-counting"),
]
