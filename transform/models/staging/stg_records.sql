{%- set kinds = [
    ("Contact", "contacts", "contact_id", "contact_name", "updated_at"),
    ("Lead", "leads", "lead_id", "lead_name", "updated_at"),
    ("Organisation", "organisations", "organisation_id", "organisation_name", "updated_at"),
    ("Opportunity", "opportunities", "opportunity_id", "opportunity_name", "updated_at"),
    ("Project", "projects", "project_id", "project_name", "updated_at"),
    ("Task", "tasks", "task_id", "title", "updated_at"),
    ("Event", "events", "event_id", "title", "updated_at"),
    ("Note", "notes", "note_id", "title", "updated_at"),
    ("Email", "emails", "email_id", "subject", "created_at"),
    ("Ticket", "tickets", "ticket_id", "subject", "updated_at"),
] -%}
{% for kind, model, key, name, updated in kinds %}
select
    '{{ kind }}' as record_type,
    {{ key }} as record_id,
    {{ name }} as record_name,
    owner_user_id,
    {{ updated }} as updated_at
from {{ ref("stg_" ~ model) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
