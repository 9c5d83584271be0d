select
    cast(ticket_id as bigint) as ticket_id,
    ticket_number,
    subject,
    ticket_type,
    ticket_status as status,
    coalesce(upper(ticket_status), '') not in ('SOLVED', 'CLOSED') as is_open,
    priority,
    cast(organisation_id as bigint) as organisation_id,
    cast(contact_id as bigint) as contact_id,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at,
    cast(date_solved_utc as timestamp) as solved_at,
    cast(date_closed_utc as timestamp) as closed_at
    {{- custom_fields("tickets") }}
from {{ loaded("tickets") }} as loaded
where _sdc_deleted_at is null
