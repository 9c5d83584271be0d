select
    cast(event_id as bigint) as event_id,
    title,
    location,
    cast(start_date_utc as timestamp) as starts_at,
    cast(end_date_utc as timestamp) as ends_at,
    coalesce(all_day, false) as is_all_day,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at
    {{- custom_fields("events") }}
from {{ loaded("events") }} as loaded
where _sdc_deleted_at is null
