select
    s.opportunity_id,
    s.state,
    s.state_reason,
    s.entered_at,
    s.left_at,
    s.is_current,
    s.is_recorded
    {{- custom_fields("opportunities", "o") }}
from {{ ref("int_opportunity_states") }} as s
inner join {{ ref("stg_opportunities") }} as o on s.opportunity_id = o.opportunity_id
