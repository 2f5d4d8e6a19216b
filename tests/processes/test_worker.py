"""Maintenance: from a message in the broker to its effect, and what the tasks do."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from registryhub.registry.models import Upload
from registryhub.registry.tasks import purge_uploads
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.server import wait_until

_EXPIRED_SESSION = """
from datetime import timedelta
from django.contrib.sessions.models import Session
from django.utils import timezone
from registryhub.access.tasks import purge_sessions
from registryhub.celery import app
Session.objects.create(session_key="old", expire_date=timezone.now() - timedelta(days=1))
Session.objects.create(session_key="new", expire_date=timezone.now() + timedelta(days=1))
purge_sessions.delay()
"""
_LEFT = """
import json
from django.contrib.sessions.models import Session
print(json.dumps(list(Session.objects.values_list("session_key", flat=True))))
"""


def test_a_task_goes_through_the_broker(tmp_path: Path, databases: Databases) -> None:
    """Files in the data folder, or Redis; a message sent while the worker is down is carried out later."""
    hub = Hub(tmp_path, databases)
    hub.start()
    hub.stop()
    hub.command("shell", "--verbosity", "0", "-c", _EXPIRED_SESSION)
    hub.arguments = ("--role", "worker")
    hub.launch()
    try:
        assert wait_until(lambda: json.loads(hub.command("shell", "--verbosity", "0", "-c", _LEFT)) == ["new"], 30, 0.5)
        assert hub.stop() == 0
    finally:
        hub.kill()


_SLOW_TASK = """
import sys, time
from pathlib import Path
import django
django.setup()
from registryhub.celery import app
from registryhub.processes.worker import work
folder = Path(sys.argv[1])

@app.task(name="slow")
def slow():
    (folder / "began").touch()
    time.sleep(1.5)
    (folder / "ended").touch()

slow.delay()
sys.exit(work(folder=folder))
"""


def test_sigterm_lets_a_running_task_end(tmp_path: Path, databases: Databases) -> None:
    """And without one it does not wait for messages."""
    hub = Hub(tmp_path / "hub", databases)
    hub.folder.mkdir()
    hub.prepare()
    variables = {"DJANGO_SETTINGS_MODULE": "registryhub.settings", "REGISTRYHUB_CONFIG": str(hub.config_file)}
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW_TASK, str(tmp_path)],
        env={**hub.environment(), **variables},
        cwd=hub.working_folder(),
    ) as worker:
        try:
            assert wait_until((tmp_path / "began").exists, 30)
            worker.terminate()
            assert worker.wait(20) == 0
            assert (tmp_path / "ended").exists()
        finally:
            worker.kill()


@pytest.mark.django_db(transaction=True)
def test_unfinished_uploads_are_forgotten_after_their_time() -> None:
    """Those that may still be finished stay; doing it twice does no harm."""
    now = timezone.now()
    for name, age in (("old", timedelta(days=8)), ("young", timedelta(days=6))):
        upload = Upload.objects.create(repository_name=name)
        Upload.objects.filter(pk=upload.pk).update(started_at=now - age, updated_at=now - age)
    purge_uploads()
    purge_uploads()
    assert list(Upload.objects.values_list("repository_name", flat=True)) == ["young"]
