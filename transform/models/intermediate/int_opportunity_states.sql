{{ config(materialized="table") }}
with entries as (
    select
        h.*,
        o.state as state_today,
        min(h.changed_at) over (partition by h.opportunity_id) as first_changed_at,
        max(h.changed_at) over (partition by h.opportunity_id) as last_changed_at
    from {{ ref("int_opportunity_state_entries") }} as h
    inner join {{ ref("int_opportunities_ever") }} as o on h.opportunity_id = o.opportunity_id
),

-- Of changes in one second, their order is not known. A deal begins open, and ends in its state of
-- today; in between, it was reopened rather than closed and at once closed again.
history as (
    select
        opportunity_id,
        state,
        state_reason,
        changed_at,
        row_number() over (
            partition by opportunity_id
            order by
                changed_at,
                case
                    when changed_at = last_changed_at and state = state_today then 3
                    when changed_at = first_changed_at and state = 'OPEN' then 0
                    when state = 'OPEN' then 2
                    else 1
                end,
                state_history_id
        ) as place
    from entries
),

known as (
    select
        o.opportunity_id,
        o.state,
        o.created_at,
        o.updated_at,
        o.closed_on,
        first_one.changed_at as first_changed_at,
        last_one.changed_at as last_changed_at,
        last_one.state as last_state
    from {{ ref("int_opportunities_ever") }} as o
    left join (
        select opportunity_id, max(place) as last_place from history group by opportunity_id
    ) as places
        on o.opportunity_id = places.opportunity_id
    left join history as first_one
        on o.opportunity_id = first_one.opportunity_id and first_one.place = 1
    left join history as last_one
        on o.opportunity_id = last_one.opportunity_id and last_one.place = places.last_place
),

changes as (
    select opportunity_id, state, state_reason, changed_at, place, true as is_recorded
    from history
    union all
    -- What was before the first entry: an opportunity begins open.
    select
        opportunity_id,
        'OPEN' as state,
        null as state_reason,
        created_at as changed_at,
        0 as place,
        false as is_recorded
    from known
    where first_changed_at is null or first_changed_at > created_at
    union all
    -- What is missing after the last entry: the state that the opportunity has today.
    select
        opportunity_id,
        state,
        null as state_reason,
        case
            when last_changed_at is null and cast(closed_on as timestamp) >= created_at
                then cast(closed_on as timestamp)
            when updated_at > last_changed_at or last_changed_at is null then updated_at
            else last_changed_at
        end as changed_at,
        1000000 as place,
        false as is_recorded
    from known
    where state <> coalesce(last_state, 'OPEN')
),

-- An entry that repeats the state before it, with another reason, is no change of state.
marked as (
    select
        *,
        lag(state) over (partition by opportunity_id order by changed_at, place) as state_before
    from changes
),

real as (
    select * from marked where state_before is null or state <> state_before
)

select
    opportunity_id,
    state,
    state_reason,
    changed_at as entered_at,
    lead(changed_at) over (partition by opportunity_id order by changed_at, place) as left_at,
    lead(changed_at) over (partition by opportunity_id order by changed_at, place) is null
        as is_current,
    is_recorded
from real
