with moments as (
    select month_end, is_complete, counted_at
    from {{ ref("int_month_ends") }}
    {%- if not is_loaded("opportunity_state_history") %}
    -- Which deals were open in the past is not known: today's can be counted alone.
    where not is_complete
    {%- endif %}
),

open_deals as (
    select
        m.month_end,
        m.is_complete,
        m.counted_at,
        o.pipeline_id,
        o.stage_id,
        o.currency,
        o.opportunity_value
    from moments as m
    inner join {{ ref("opportunity_states") }} as s
        on
            s.state = 'OPEN'
            and s.entered_at < m.counted_at
            and (s.left_at is null or s.left_at >= m.counted_at)
    inner join {{ ref("stg_opportunities") }} as o on s.opportunity_id = o.opportunity_id
),

{{ counted_by_stage("current_") }}
