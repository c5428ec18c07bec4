import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import shared.ids


class Migration(migrations.Migration):
    dependencies = [
        ("nexus_auth", "0002_device"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "key_id",
                    models.CharField(
                        default=shared.ids.new_id, max_length=36, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64, unique=True)),
                (
                    "permissions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="nexus_auth.user"),
                ),
            ],
        ),
    ]
