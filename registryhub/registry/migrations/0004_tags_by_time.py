from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0003_who_links_a_blob'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='tag',
            index=models.Index(fields=['repository', 'moved_at', 'name'], name='tag_repository_moved'),
        ),
    ]
