select
    o.organisation_id,
    g.organisation_name,
    o.currency,
    count(*) as opportunities,
    count(case when o.state = 'OPEN' then 1 end) as open_opportunities,
    count(case when o.state = 'WON' then 1 end) as won_opportunities,
    count(case when o.state = 'LOST' then 1 end) as lost_opportunities,
    coalesce(sum(case when o.state = 'OPEN' then o.opportunity_value end), 0) as open_value,
    coalesce(sum(case when o.state = 'WON' then o.opportunity_value end), 0) as won_value,
    coalesce(sum(case when o.state = 'LOST' then o.opportunity_value end), 0) as lost_value
from {{ ref("stg_opportunities") }} as o
inner join {{ ref("stg_organisations") }} as g on o.organisation_id = g.organisation_id
group by o.organisation_id, g.organisation_name, o.currency
