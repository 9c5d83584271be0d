{% snapshot lead_versions %}
{{ config(unique_key="lead_id") }}
{{ versions("leads", "lead_id") }}
{% endsnapshot %}
