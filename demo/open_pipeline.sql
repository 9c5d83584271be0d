-- What is the open pipeline worth, by stage and currency?
select pipeline, current_stage as stage, currency, open_opportunities as deals, open_value as value
from insightly_marts.pipeline_by_month
where not is_complete
order by pipeline, current_stage_order, currency
