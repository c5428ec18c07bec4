from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nexus_auth", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="refreshfamily",
            name="device",
            field=models.CharField(default="", max_length=64),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="parent_hash",
            field=models.CharField(default="", max_length=64),
        ),
    ]
