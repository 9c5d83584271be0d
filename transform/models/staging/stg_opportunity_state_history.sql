with history as (
    {{ current_children(
        "opportunity_state_history",
        ref("stg_opportunities"),
        {"opportunity_id": "opportunity_id"},
    ) | indent(4) }}
)

select
    state_history_id,
    cast(opportunity_id as bigint) as opportunity_id,
    for_opportunity_state as state,
    state_reason,
    cast(date_changed_utc as timestamp) as changed_at
from history
