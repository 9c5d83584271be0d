-- Deleted deals as they were known last, so that months in which they were there do not change.
select
    opportunity_id,
    opportunity_name,
    pipeline_id,
    stage_id,
    state,
    currency,
    opportunity_value,
    closed_on,
    created_at,
    updated_at,
    false as is_deleted
from {{ ref("stg_opportunities") }}
union all
select
    v.opportunity_id,
    v.opportunity_name,
    v.pipeline_id,
    v.stage_id,
    v.state,
    v.currency,
    v.opportunity_value,
    v.closed_on,
    v.created_at,
    v.updated_at,
    v.is_deleted
from {{ ref("opportunity_versions") }} as v
left join {{ ref("stg_opportunities") }} as o on v.opportunity_id = o.opportunity_id
where v.valid_to is null and o.opportunity_id is null
