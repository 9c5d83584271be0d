{% snapshot contact_versions %}
{{ config(unique_key="contact_id") }}
{{ versions("contacts", "contact_id") }}
{% endsnapshot %}
