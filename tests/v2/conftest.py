"""Fixtures of the folder."""

from tests.registry.journals import journal

__all__ = ["journal"]
