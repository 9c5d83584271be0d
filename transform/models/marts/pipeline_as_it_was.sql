with moments as (
    select m.month_end, m.is_complete, m.counted_at
    from {{ ref("int_month_ends") }} as m
    -- Before the first look, nothing is known of what has changed since.
    where m.counted_at >= (select min(recorded_at) from {{ ref("opportunity_versions") }})
),

open_deals as (
    select
        m.month_end,
        m.is_complete,
        m.counted_at,
        s.pipeline_id,
        s.stage_id,
        s.currency,
        s.opportunity_value
    from moments as m
    inner join {{ ref("int_opportunity_stages") }} as s
        on s.entered_at < m.counted_at and (s.left_at is null or s.left_at >= m.counted_at)
),

{{ counted_by_stage() }}
