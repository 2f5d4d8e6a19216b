import django.db.models.deletion
import registryhub.database.fields
from django.db import migrations, models


FILL = """
INSERT INTO analytics_sourcetraffic{step}
(source_id, is_public, {step}, action, audience, client, platform, pulls, checks, pushes, bytes)
SELECT source_id, is_public, {step}, action, audience, client, platform, SUM(pulls), SUM(checks), SUM(pushes), SUM(bytes)
FROM analytics_sourceuse{step} GROUP BY source_id, is_public, {step}, action, audience, client, platform
"""


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_signatures_and_limits'),
        ('analytics', '0003_found_by_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='SourceTrafficDay',
            fields=[
                ('action', registryhub.database.fields.BytewiseField(max_length=20)),
                ('audience', registryhub.database.fields.BytewiseField(max_length=20)),
                ('client', registryhub.database.fields.BytewiseField(max_length=60)),
                ('platform', registryhub.database.fields.BytewiseField(blank=True, max_length=100)),
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('source_id', 'is_public', 'day', 'action', 'audience', 'client', 'platform', blank=True, editable=False, primary_key=True, serialize=False)),
                ('is_public', models.BooleanField()),
                ('day', models.DateField()),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='traffic_days', to='access.source')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceTrafficHour',
            fields=[
                ('action', registryhub.database.fields.BytewiseField(max_length=20)),
                ('audience', registryhub.database.fields.BytewiseField(max_length=20)),
                ('client', registryhub.database.fields.BytewiseField(max_length=60)),
                ('platform', registryhub.database.fields.BytewiseField(blank=True, max_length=100)),
                ('pulls', models.BigIntegerField(default=0)),
                ('checks', models.BigIntegerField(default=0)),
                ('pushes', models.BigIntegerField(default=0)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('source_id', 'is_public', 'hour', 'action', 'audience', 'client', 'platform', blank=True, editable=False, primary_key=True, serialize=False)),
                ('is_public', models.BooleanField()),
                ('hour', models.DateTimeField()),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='traffic_hours', to='access.source')),
            ],
            options={
                'abstract': False,
            },
        ),
        *(migrations.RunSQL(FILL.format(step=step), migrations.RunSQL.noop) for step in ("hour", "day")),
    ]
