-- What is the open pipeline worth, by stage and currency?
select
    p.pipeline_name as pipeline,
    s.stage_name as stage,
    o.bid_currency as currency,
    count(*) as opportunities,
    round(sum(o.opportunity_value), 2) as value
from insightly.opportunities as o
inner join insightly.pipelines as p on o.pipeline_id = p.pipeline_id
inner join insightly.pipeline_stages as s on o.stage_id = s.stage_id
where o.opportunity_state = 'OPEN'
group by p.pipeline_name, s.stage_order, s.stage_name, o.bid_currency
order by p.pipeline_name, s.stage_order, o.bid_currency
