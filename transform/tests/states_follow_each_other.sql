-- A deal is in one state at a time, and has one today.
with checked as (
    select
        s.opportunity_id,
        count(case when s.is_current then 1 end) as states_today,
        count(case when s.left_at < s.entered_at then 1 end) as ends_before_it_begins,
        count(case when s.is_current and s.state <> o.state then 1 end) as other_than_today
    from {{ ref("opportunity_states") }} as s
    inner join {{ ref("stg_opportunities") }} as o on s.opportunity_id = o.opportunity_id
    group by s.opportunity_id
)

select *
from checked
where states_today <> 1 or ends_before_it_begins > 0 or other_than_today > 0
