select
    cast(lead_id as bigint) as lead_id,
    {{ full_name("first_name", "last_name") }} as lead_name,
    organisation_name,
    email,
    coalesce(converted, false) as is_converted,
    cast(converted_contact_id as bigint) as converted_contact_id,
    cast(converted_organisation_id as bigint) as converted_organisation_id,
    cast(converted_opportunity_id as bigint) as converted_opportunity_id,
    cast(converted_date_utc as timestamp) as converted_at,
    cast(coalesce(responsible_user_id, owner_user_id) as bigint) as responsible_user_id,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at
    {{- custom_fields("leads") }}
from {{ loaded("leads") }} as loaded
where _sdc_deleted_at is null
