select
    cast(project_id as bigint) as project_id,
    project_name,
    status,
    cast(opportunity_id as bigint) as opportunity_id,
    cast(started_date as date) as started_on,
    cast(completed_date as date) as completed_on,
    cast(coalesce(responsible_user_id, owner_user_id) as bigint) as responsible_user_id,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at
    {{- custom_fields("projects") }}
from {{ loaded("projects") }} as loaded
where _sdc_deleted_at is null
