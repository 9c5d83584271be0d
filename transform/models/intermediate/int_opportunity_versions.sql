with runs as (
    select
        recorded_at,
        lag(recorded_at) over (order by recorded_at) as run_before
    from (select distinct recorded_at from {{ ref("opportunity_versions") }}) as distinct_runs
),

versions as (
    select
        v.*,
        r.run_before,
        row_number() over (partition by v.opportunity_id order by v.valid_from) as version,
        lag(v.valid_from) over (partition by v.opportunity_id order by v.valid_from) as before_from,
        lead(v.is_deleted) over (partition by v.opportunity_id order by v.valid_from)
            as is_deleted_next,
        lead(v.state) over (partition by v.opportunity_id order by v.valid_from) as state_next
    from {{ ref("opportunity_versions") }} as v
    inner join runs as r on v.recorded_at = r.recorded_at
)

select
    opportunity_id,
    version,
    pipeline_id,
    stage_id,
    state,
    currency,
    opportunity_value,
    created_at,
    -- A deal that was made since the last look was there from the start, though perhaps otherwise.
    case
        when version = 1 and created_at >= run_before and created_at < valid_from then created_at
        else valid_from
    end as began_at,
    -- Before this moment it was seen to be otherwise, or was not there.
    case
        when version = 1 then created_at
        when before_from > run_before then before_from
        when run_before < valid_from then run_before
        else valid_from
    end as not_before,
    version = 1 and created_at < valid_from and (run_before is null or created_at < run_before)
        as is_first_look,
    valid_to as ended_at,
    is_deleted_next,
    state_next
from versions
where not is_deleted
