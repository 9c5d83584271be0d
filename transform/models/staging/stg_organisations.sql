select
    cast(organisation_id as bigint) as organisation_id,
    organisation_name,
    website,
    phone,
    address_billing_street as billing_street,
    address_billing_city as billing_city,
    address_billing_state as billing_state,
    address_billing_postcode as billing_postcode,
    address_billing_country as billing_country,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at,
    cast(last_activity_date_utc as timestamp) as last_activity_at,
    cast(next_activity_date_utc as timestamp) as next_activity_at
    {{- custom_fields("organisations") }}
from {{ loaded("organisations") }} as loaded
where _sdc_deleted_at is null
