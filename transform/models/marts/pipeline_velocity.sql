with closed as (
    select
        o.opportunity_id,
        o.pipeline_id,
        o.currency,
        o.state,
        o.opportunity_value,
        o.created_at,
        coalesce(cast(o.closed_on as timestamp), s.entered_at) as closed_at
    from {{ ref("int_opportunities_ever") }} as o
    inner join {{ ref("int_opportunity_states") }} as s
        on o.opportunity_id = s.opportunity_id and s.is_current
    where o.state in ('WON', 'LOST')
),

by_month as (
    select
        cast({{ dbt.last_day("closed_at", "month") }} as date) as month_end,
        pipeline_id,
        currency,
        count(case when state = 'WON' then 1 end) as won,
        count(case when state = 'LOST' then 1 end) as lost,
        avg(case when state = 'WON' then opportunity_value end) as average_won_value,
        avg(
            case
                when state = 'WON' and closed_at > created_at
                    then {{ dbt.datediff("created_at", "closed_at", "second") }} / 86400.0
                when state = 'WON' then 0
            end
        ) as average_days_to_win
    from closed
    group by 1, 2, 3
),

open_then as (
    select
        month_end,
        pipeline_id,
        currency,
        sum(open_opportunities) as open_opportunities
    from {{ ref("pipeline_as_it_was") }}
    group by month_end, pipeline_id, currency
),

-- Before the first snapshot, how many were open then is not known.
joined as (
    select
        m.*,
        m.won * 1.0 / (m.won + m.lost) as win_rate,
        case
            when m.month_end in (select month_end from open_then)
                then coalesce(o.open_opportunities, 0)
        end as open_opportunities
    from by_month as m
    left join open_then as o
        on
            m.month_end = o.month_end
            and m.pipeline_id is not distinct from o.pipeline_id
            and m.currency = o.currency
)

select
    m.month_end,
    m.pipeline_id,
    {{ name_of("p.pipeline_name", "pipelines") }} as pipeline,
    m.currency,
    m.won,
    m.lost,
    cast(m.win_rate as numeric(18, 4)) as win_rate,
    cast(m.average_won_value as numeric(18, 2)) as average_won_value,
    cast(m.average_days_to_win as numeric(18, 2)) as average_days_to_win,
    cast(m.open_opportunities as bigint) as open_opportunities,
    cast(
        m.open_opportunities * m.win_rate * m.average_won_value
        / nullif(m.average_days_to_win, 0) as numeric(18, 2)
    ) as value_per_day
from joined as m
left join {{ ref("stg_pipelines") }} as p on m.pipeline_id = p.pipeline_id
