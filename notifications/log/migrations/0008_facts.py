from django.db import migrations, models


class Migration(migrations.Migration):
    """A column with a constant default, in words that both databases take: neither of them writes the log anew."""

    dependencies = [
        ("log", "0007_files_of_old_events"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE log_event ADD COLUMN facts text DEFAULT '' NOT NULL",
                    "ALTER TABLE log_event DROP COLUMN facts",
                ),
            ],
            state_operations=[
                migrations.AddField(
                    model_name="event",
                    name="facts",
                    field=models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="what is known besides (notifications.facts), JSON",
                    ),
                ),
            ],
        ),
    ]
