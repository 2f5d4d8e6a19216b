"""The pages about images. Names contain slashes; `-` is no valid part of one, so what follows it is about the tags."""

from django.urls import re_path

from webui.images import delete, listing, repository, tag

_NAME = r"(?P<name>[^\x00\n]+?)"
_TAG = r"(?P<tag>[^\x00\n/]+)"

urlpatterns = [
    re_path(r"^repositories/?$", listing.repositories, name="images"),
    re_path(rf"^repositories/{_NAME}/-/tags/{_TAG}/delete$", delete.delete_tag, name="images-tag-delete"),
    re_path(rf"^repositories/{_NAME}/-/tags/{_TAG}/?$", tag.tag, name="images-tag"),
    re_path(rf"^repositories/{_NAME}/-/delete$", delete.delete_repository, name="images-repository-delete"),
    re_path(rf"^repositories/{_NAME}/?$", repository.repository, name="images-repository"),
]
