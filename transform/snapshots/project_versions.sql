{% snapshot project_versions %}
{{ config(unique_key="project_id") }}
{{ versions("projects", "project_id") }}
{% endsnapshot %}
