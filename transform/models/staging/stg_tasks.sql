select
    cast(task_id as bigint) as task_id,
    title,
    status,
    coalesce(completed, false) as is_completed,
    cast(due_date as date) as due_on,
    cast(completed_date_utc as timestamp) as completed_at,
    cast(opportunity_id as bigint) as opportunity_id,
    cast(project_id as bigint) as project_id,
    cast(coalesce(responsible_user_id, owner_user_id) as bigint) as responsible_user_id,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at
    {{- custom_fields("tasks") }}
from {{ loaded("tasks") }} as loaded
where _sdc_deleted_at is null
