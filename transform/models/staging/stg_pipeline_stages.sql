select
    cast(stage_id as bigint) as stage_id,
    cast(pipeline_id as bigint) as pipeline_id,
    stage_name,
    cast(stage_order as integer) as stage_order
from {{ loaded("pipeline_stages") }} as loaded
where _sdc_deleted_at is null
