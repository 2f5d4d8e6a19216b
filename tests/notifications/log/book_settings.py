"""The hub's settings, but the log is listened to by the consumers of these tests."""

from registryhub.settings import *  # noqa: F403

EVENT_CONSUMERS = ["tests.notifications.log.book.consumers"]
