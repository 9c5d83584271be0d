with moments as (
    select month_end, is_complete, counted_at
    from {{ ref("int_month_ends") }}
    {%- if not is_loaded("opportunity_state_history") %}
    -- Which deals were open in the past is not known: today's can be counted alone.
    where not is_complete
    {%- endif %}
),

counted as (
    select
        m.month_end,
        m.is_complete,
        m.counted_at,
        o.pipeline_id,
        o.stage_id,
        o.currency,
        count(*) as open_opportunities,
        coalesce(sum(o.opportunity_value), 0) as open_value,
        count(*) - count(o.opportunity_value) as without_value
    from moments as m
    inner join {{ ref("opportunity_states") }} as s
        on
            s.state = 'OPEN'
            and s.entered_at < m.counted_at
            and (s.left_at is null or s.left_at >= m.counted_at)
    inner join {{ ref("stg_opportunities") }} as o on s.opportunity_id = o.opportunity_id
    group by
        m.month_end, m.is_complete, m.counted_at, o.pipeline_id, o.stage_id, o.currency
)

select
    c.month_end,
    c.is_complete,
    c.counted_at,
    c.pipeline_id,
    {{ name_of("p.pipeline_name", "pipelines") }} as pipeline,
    c.stage_id as current_stage_id,
    {{ name_of("s.stage_name", "pipeline_stages") }} as current_stage,
    {{ where_loaded("pipeline_stages", "coalesce(s.stage_order, 0)", "integer") }} as current_stage_order,
    c.currency,
    c.open_opportunities,
    c.open_value,
    c.without_value
from counted as c
left join {{ ref("stg_pipelines") }} as p on c.pipeline_id = p.pipeline_id
left join {{ ref("stg_pipeline_stages") }} as s on c.stage_id = s.stage_id
