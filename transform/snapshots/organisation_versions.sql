{% snapshot organisation_versions %}
{{ config(unique_key="organisation_id") }}
{{ versions("organisations", "organisation_id") }}
{% endsnapshot %}
