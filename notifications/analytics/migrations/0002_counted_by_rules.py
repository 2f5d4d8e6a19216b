from datetime import timedelta
from typing import Any

import django.db.models.deletion
import registryhub.database.fields
from django.db import migrations, models
from django.utils import timezone

SOURCES = """
INSERT INTO analytics_source{step} (source_id, is_public, {step}, pulls, checks, pushes)
SELECT source_id, is_public, {step}, SUM(pulls), SUM(checks), SUM(pushes) FROM analytics_repository{step}
JOIN access_repository ON access_repository.id = analytics_repository{step}.repository_id
GROUP BY source_id, is_public, {step}
"""
WINDOW = """
UPDATE analytics_repositorytotals SET pulls_{window} = counted.pulls, pushes_{window} = counted.pushes FROM (
SELECT repository_id, SUM(pulls) AS pulls, SUM(pushes) AS pushes FROM analytics_repository{step} WHERE {step} >= %s
GROUP BY repository_id
) AS counted WHERE counted.repository_id = analytics_repositorytotals.repository_id
"""


def take_over(apps: Any, schema_editor: Any) -> None:
    """What was counted until now, by source and by window. Its days have rows already, today's too."""
    if not apps.get_model("analytics", "RepositoryDay").objects.exists():
        return
    now = timezone.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    adapt = schema_editor.connection.ops.adapt_datetimefield_value
    starts = apps.get_model("analytics", "WindowStart").objects
    with schema_editor.connection.cursor() as cursor:
        for step in ("hour", "day"):
            cursor.execute(SOURCES.format(step=step))
        hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=24)
        cursor.execute(WINDOW.format(window="24h", step="hour"), (adapt(hour),))
        starts.create(window="24h", since=hour)
        for days in (7, 30, 90):
            since = midnight - timedelta(days=days)
            cursor.execute(WINDOW.format(window=f"{days}d", step="day"), (since.date().isoformat(),))
            starts.create(window=f"{days}d", since=since)
    starts.create(window="days", since=midnight + timedelta(days=1))


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_signatures_and_limits'),
        ('analytics', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='WindowStart',
            fields=[
                ('window', models.CharField(max_length=4, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='repositoryday',
            name='bytes',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositoryday',
            name='excluded',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositoryday',
            name='pullers',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositoryhour',
            name='bytes',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositoryhour',
            name='excluded',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='bytes',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='bytes_24h',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='bytes_30d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='bytes_7d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='bytes_90d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='excluded',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pullers',
            field=models.BigIntegerField(db_default=0, default=0, help_text='of each day, added up'),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pullers_30d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pullers_7d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pullers_90d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pulls_24h',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pulls_30d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pulls_7d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pulls_90d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pushes_24h',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pushes_30d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pushes_7d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repositorytotals',
            name='pushes_90d',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='repositoryday',
            name='repository',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='days', to='access.repository'),
        ),
        migrations.AlterField(
            model_name='repositoryhour',
            name='repository',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='hours', to='access.repository'),
        ),
        migrations.AlterField(
            model_name='repositorytotals',
            name='repository',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='totals', serialize=False, to='access.repository'),
        ),
        migrations.AlterField(
            model_name='tagday',
            name='repository',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tag_days', to='access.repository'),
        ),
        migrations.AlterField(
            model_name='taghour',
            name='repository',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tag_hours', to='access.repository'),
        ),
        migrations.AlterField(
            model_name='tagtotals',
            name='repository',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tag_totals', to='access.repository'),
        ),
        migrations.CreateModel(
            name='DigestTotals',
            fields=[
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('last_pulled_at', models.DateTimeField(blank=True, null=True)),
                ('last_seen_at', models.DateTimeField(blank=True, help_text='the last pull or check', null=True)),
                ('last_pushed_at', models.DateTimeField(blank=True, null=True)),
                ('pk', models.CompositePrimaryKey('repository_id', 'digest', blank=True, editable=False, primary_key=True, serialize=False)),
                ('digest', registryhub.database.fields.BytewiseField(max_length=140)),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='digest_totals', to='access.repository')),
            ],
            options={
                'verbose_name_plural': 'digest totals',
            },
        ),
        migrations.CreateModel(
            name='RepositoryUseDay',
            fields=[
                ('action', registryhub.database.fields.BytewiseField(max_length=20)),
                ('audience', registryhub.database.fields.BytewiseField(max_length=20)),
                ('client', registryhub.database.fields.BytewiseField(max_length=60)),
                ('platform', registryhub.database.fields.BytewiseField(blank=True, max_length=100)),
                ('actor', registryhub.database.fields.BytewiseField(blank=True, max_length=255)),
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('repository_id', 'day', 'action', 'audience', 'client', 'platform', 'actor', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='use_days', to='access.repository')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RepositoryUseHour',
            fields=[
                ('action', registryhub.database.fields.BytewiseField(max_length=20)),
                ('audience', registryhub.database.fields.BytewiseField(max_length=20)),
                ('client', registryhub.database.fields.BytewiseField(max_length=60)),
                ('platform', registryhub.database.fields.BytewiseField(blank=True, max_length=100)),
                ('actor', registryhub.database.fields.BytewiseField(blank=True, max_length=255)),
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('repository_id', 'hour', 'action', 'audience', 'client', 'platform', 'actor', blank=True, editable=False, primary_key=True, serialize=False)),
                ('hour', models.DateTimeField()),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='use_hours', to='access.repository')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceDay',
            fields=[
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('excluded', models.BigIntegerField(db_default=0, default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('source_id', 'is_public', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('is_public', models.BooleanField()),
                ('day', models.DateField()),
                ('pullers', models.BigIntegerField(db_default=0, default=0, help_text='of each repository, added up')),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='days', to='access.source')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceHour',
            fields=[
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('excluded', models.BigIntegerField(db_default=0, default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('source_id', 'is_public', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('is_public', models.BooleanField()),
                ('hour', models.DateTimeField()),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='hours', to='access.source')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceUseDay',
            fields=[
                ('action', registryhub.database.fields.BytewiseField(max_length=20)),
                ('audience', registryhub.database.fields.BytewiseField(max_length=20)),
                ('client', registryhub.database.fields.BytewiseField(max_length=60)),
                ('platform', registryhub.database.fields.BytewiseField(blank=True, max_length=100)),
                ('actor', registryhub.database.fields.BytewiseField(blank=True, max_length=255)),
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('source_id', 'is_public', 'day', 'action', 'audience', 'client', 'platform', 'actor', blank=True, editable=False, primary_key=True, serialize=False)),
                ('is_public', models.BooleanField()),
                ('day', models.DateField()),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='use_days', to='access.source')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceUseHour',
            fields=[
                ('action', registryhub.database.fields.BytewiseField(max_length=20)),
                ('audience', registryhub.database.fields.BytewiseField(max_length=20)),
                ('client', registryhub.database.fields.BytewiseField(max_length=60)),
                ('platform', registryhub.database.fields.BytewiseField(blank=True, max_length=100)),
                ('actor', registryhub.database.fields.BytewiseField(blank=True, max_length=255)),
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('source_id', 'is_public', 'hour', 'action', 'audience', 'client', 'platform', 'actor', blank=True, editable=False, primary_key=True, serialize=False)),
                ('is_public', models.BooleanField()),
                ('hour', models.DateTimeField()),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='use_hours', to='access.source')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='DigestDay',
            fields=[
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('pk', models.CompositePrimaryKey('repository_id', 'digest', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('digest', registryhub.database.fields.BytewiseField(max_length=140)),
                ('day', models.DateField()),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='digest_days', to='access.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['repository', 'day'], name='digestday_repository_day')],
            },
        ),
        migrations.CreateModel(
            name='DigestHour',
            fields=[
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('pk', models.CompositePrimaryKey('repository_id', 'digest', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('digest', registryhub.database.fields.BytewiseField(max_length=140)),
                ('hour', models.DateTimeField()),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='digest_hours', to='access.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['repository', 'hour'], name='digesthour_repository_hour')],
            },
        ),
        migrations.CreateModel(
            name='Puller',
            fields=[
                ('pk', models.CompositePrimaryKey('repository_id', 'day', 'who', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('who', models.BigIntegerField()),
                ('pulls', models.BigIntegerField()),
                ('changed_on', models.DateField()),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='access.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['changed_on'], name='puller_age'), models.Index(fields=['day'], name='puller_day')],
            },
        ),
        migrations.CreateModel(
            name='Trace',
            fields=[
                ('pk', models.CompositePrimaryKey('repository_id', 'client', 'slot', blank=True, editable=False, primary_key=True, serialize=False)),
                ('client', models.BigIntegerField()),
                ('slot', models.BigIntegerField()),
                ('asks', models.TextField()),
                ('changed_on', models.DateField()),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='access.repository')),
            ],
            options={
                'indexes': [models.Index(fields=['changed_on'], name='trace_age')],
            },
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
