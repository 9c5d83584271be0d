with moments as (
    select m.month_end, m.is_complete, m.counted_at
    from {{ ref("int_month_ends") }} as m
    -- Before the first look, nothing is known of what has changed since.
    where m.counted_at >= (select min(recorded_at) from {{ ref("opportunity_versions") }})
),

counted as (
    select
        m.month_end,
        m.is_complete,
        m.counted_at,
        s.pipeline_id,
        s.stage_id,
        s.currency,
        count(*) as open_opportunities,
        coalesce(sum(s.opportunity_value), 0) as open_value,
        count(*) - count(s.opportunity_value) as without_value
    from moments as m
    inner join {{ ref("int_opportunity_stages") }} as s
        on s.entered_at < m.counted_at and (s.left_at is null or s.left_at >= m.counted_at)
    group by m.month_end, m.is_complete, m.counted_at, s.pipeline_id, s.stage_id, s.currency
)

select
    c.month_end,
    c.is_complete,
    c.counted_at,
    c.pipeline_id,
    {{ name_of("p.pipeline_name", "pipelines") }} as pipeline,
    c.stage_id,
    {{ name_of("s.stage_name", "pipeline_stages") }} as stage,
    {{ where_loaded("pipeline_stages", "coalesce(s.stage_order, 0)", "integer") }} as stage_order,
    c.currency,
    c.open_opportunities,
    c.open_value,
    c.without_value
from counted as c
left join {{ ref("stg_pipelines") }} as p on c.pipeline_id = p.pipeline_id
left join {{ ref("stg_pipeline_stages") }} as s on c.stage_id = s.stage_id
