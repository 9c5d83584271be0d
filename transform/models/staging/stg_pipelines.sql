select
    cast(pipeline_id as bigint) as pipeline_id,
    pipeline_name,
    coalesce(for_opportunities, false) as is_for_opportunities,
    coalesce(for_projects, false) as is_for_projects
from {{ loaded("pipelines") }} as loaded
where _sdc_deleted_at is null
