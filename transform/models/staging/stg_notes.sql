select
    cast(note_id as bigint) as note_id,
    title,
    body,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at
    {{- custom_fields("notes") }}
from {{ loaded("notes") }} as loaded
where _sdc_deleted_at is null
