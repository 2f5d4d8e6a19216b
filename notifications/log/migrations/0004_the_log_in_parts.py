from django.db import migrations

ROOM = 1_000_000

# What stands in the table becomes its first part, where it is: nothing is copied. PostgreSQL reads it once, to make
# sure that all of it is in range.
PARTITION = """
ALTER TABLE log_event RENAME TO log_event_0;
ALTER INDEX log_event_pkey RENAME TO log_event_0_pkey;
ALTER INDEX event_repository RENAME TO event_repository_0;
ALTER INDEX event_changes RENAME TO event_changes_0;
CREATE TABLE log_event (LIKE log_event_0) PARTITION BY RANGE (seq);
ALTER TABLE log_event ADD CONSTRAINT log_event_pkey PRIMARY KEY (seq);
CREATE INDEX event_repository ON log_event (source_id, repository, seq);
CREATE INDEX event_changes ON log_event (seq) WHERE action = 'push' OR action = 'mount' OR action = 'delete';
ALTER TABLE log_event ATTACH PARTITION log_event_0 FOR VALUES FROM (0) TO ({end});
"""


def partition(apps, schema_editor):
    """Only PostgreSQL has parts; on SQLite the table stays in one piece."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(seq), 0) FROM log_event")
        (last,) = cursor.fetchone()
        cursor.execute(PARTITION.format(end=(last // ROOM + 2) * ROOM))


class Migration(migrations.Migration):
    dependencies = [("log", "0003_the_tail_of_the_log")]

    operations = [migrations.RunPython(partition)]
