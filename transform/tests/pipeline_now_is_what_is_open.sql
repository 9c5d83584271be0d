{{ config(severity="warn") }}
-- What the snapshots and the state history say of today has to agree with the deals themselves; there
-- is nothing to compare if as_of is a moment of the past. It warns if no snapshot was taken since.
with by_month as (
    select sum(open_opportunities) as deals, sum(open_value) as worth
    from {{ ref("pipeline_as_it_was") }}
    where counted_at = {{ as_of() }}
),

by_deal as (
    select count(*) as deals, sum(opportunity_value) as worth
    from {{ ref("stg_opportunities") }}
    where state = 'OPEN' and created_at < {{ as_of() }}
)

select by_month.deals, by_deal.deals as deals_that_are_open
from by_month
cross join by_deal
where
    (
        coalesce(by_month.deals, 0) <> by_deal.deals
        or coalesce(by_month.worth, 0) <> coalesce(by_deal.worth, 0)
    )
    and (select max(updated_at) from {{ ref("stg_opportunities") }}) < {{ as_of() }}
    and (select max(recorded_at) from {{ ref("opportunity_versions") }}) <= {{ as_of() }}
    and {{ seen_at() }} <= {{ as_of() }}
