select
    cast(user_id as bigint) as user_id,
    coalesce({{ full_name("first_name", "last_name") }}, email_address) as user_name,
    email_address as email,
    coalesce(active, false) as is_active,
    coalesce(administrator, false) as is_administrator
from {{ loaded("users") }} as loaded
where _sdc_deleted_at is null
