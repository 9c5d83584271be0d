{{ config(materialized="table") }}
-- Stages are known from the snapshots, and from when to when a deal was open from the state history,
-- if the deal has one there: it tells each change, to the second, and the snapshots only what they see.
with states as (
    select
        opportunity_id,
        state,
        entered_at,
        left_at,
        lead(state) over (partition by opportunity_id order by entered_at, is_current)
            as state_next,
        max(case when is_recorded then 1 else 0 end) over (partition by opportunity_id)
            as is_told
    from {{ ref("int_opportunity_states") }}
),

pieces as (
    select
        v.opportunity_id,
        v.pipeline_id,
        v.stage_id,
        v.currency,
        v.opportunity_value,
        v.is_first_look and s.entered_at <= v.began_at as is_first_look,
        case when s.entered_at > v.began_at then s.entered_at else v.began_at end as entered_at,
        case when s.entered_at > v.not_before then s.entered_at else v.not_before end
            as not_before,
        case when v.ended_at is null or s.left_at <= v.ended_at then s.left_at else v.ended_at end
            as left_at,
        case
            when s.left_at is not null and (v.ended_at is null or s.left_at <= v.ended_at)
                then s.state_next
            when v.is_deleted_next then 'DELETED'
        end as left_for
    from {{ ref("int_opportunity_versions") }} as v
    inner join states as s
        on
            v.opportunity_id = s.opportunity_id
            and s.is_told = 1
            and s.state = 'OPEN'
            and (v.ended_at is null or s.entered_at < v.ended_at)
            and (s.left_at is null or s.left_at > v.began_at)
            -- Not those that were left in the second in which they were entered.
            and (s.left_at is null or s.left_at > s.entered_at)
    union all
    select
        v.opportunity_id,
        v.pipeline_id,
        v.stage_id,
        v.currency,
        v.opportunity_value,
        v.is_first_look,
        v.began_at as entered_at,
        v.not_before,
        v.ended_at as left_at,
        case
            when v.is_deleted_next then 'DELETED'
            when v.state_next <> 'OPEN' then v.state_next
        end as left_for
    from {{ ref("int_opportunity_versions") }} as v
    left join (select distinct opportunity_id from states where is_told = 1) as told
        on v.opportunity_id = told.opportunity_id
    where told.opportunity_id is null and v.state = 'OPEN'
)

select
    opportunity_id,
    pipeline_id,
    stage_id,
    currency,
    opportunity_value,
    is_first_look,
    entered_at,
    case when not_before < entered_at then not_before else entered_at end as not_before,
    left_at,
    left_for
from pieces
