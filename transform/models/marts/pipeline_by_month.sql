{%- set this_month = dbt.date_trunc("month", as_of()) -%}
with months as (
    select
        cast({{ dbt.dateadd("month", "1 - generated_number", this_month) }} as timestamp)
            as month_start
    from (
        -- A hundred years back, of which those since the first opportunity are kept.
        {{ dbt.generate_series(1200) | indent(8) }}
    ) as numbers
),

month_ends as (
    select
        cast({{ dbt.last_day("month_start", "month") }} as date) as month_end,
        cast({{ dbt.dateadd("month", 1, "month_start") }} as timestamp) as next_month_start
    from months
    where
        {{ dbt.dateadd("month", 1, "month_start") }}
        > (select min(entered_at) from {{ ref("opportunity_states") }})
),

moments as (
    select
        month_end,
        next_month_start <= {{ as_of() }} as is_complete,
        case when next_month_start <= {{ as_of() }} then next_month_start else {{ as_of() }} end
            as counted_at
    from month_ends
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
    coalesce(p.pipeline_name, 'none') as pipeline,
    c.stage_id as current_stage_id,
    coalesce(s.stage_name, 'none') as current_stage,
    coalesce(s.stage_order, 0) as current_stage_order,
    c.currency,
    c.open_opportunities,
    c.open_value,
    c.without_value
from counted as c
left join {{ ref("stg_pipelines") }} as p on c.pipeline_id = p.pipeline_id
left join {{ ref("stg_pipeline_stages") }} as s on c.stage_id = s.stage_id
