from django.db import migrations, models


class Migration(migrations.Migration):
    """A column with a constant default, in words that both databases take: neither of them writes the tags anew."""

    dependencies = [
        ("registry", "0005_collections"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE registry_tag ADD COLUMN previous_digest varchar(140) DEFAULT '' NOT NULL",
                    "ALTER TABLE registry_tag DROP COLUMN previous_digest",
                ),
            ],
            state_operations=[
                migrations.AddField(
                    model_name="tag",
                    name="previous_digest",
                    field=models.CharField(
                        blank=True, db_default="", default="", help_text="before it was last pushed", max_length=140
                    ),
                ),
            ],
        ),
    ]
