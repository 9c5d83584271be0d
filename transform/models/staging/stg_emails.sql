select
    cast(email_id as bigint) as email_id,
    subject,
    email_from as sender,
    cast(coalesce(email_date_utc, date_created_utc) as timestamp) as sent_at,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at
    {{- custom_fields("emails") }}
from {{ loaded("emails") }} as loaded
where _sdc_deleted_at is null
