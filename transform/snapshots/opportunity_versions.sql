{% snapshot opportunity_versions %}
{{ config(unique_key="opportunity_id") }}
{{ versions("opportunities", "opportunity_id") }}
{% endsnapshot %}
