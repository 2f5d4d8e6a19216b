from django.db import migrations, models


class Migration(migrations.Migration):
    """A column with a constant default, in words that both databases take: neither writes the manifests anew."""

    dependencies = [
        ("registry", "0006_previous_digests"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE registry_manifest ADD COLUMN platforms text DEFAULT '' NOT NULL",
                    "ALTER TABLE registry_manifest DROP COLUMN platforms",
                ),
            ],
            state_operations=[
                migrations.AddField(
                    model_name="manifest",
                    name="platforms",
                    field=models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="of the image or index, separated by spaces",
                    ),
                ),
            ],
        ),
    ]
