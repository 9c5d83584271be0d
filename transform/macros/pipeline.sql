{# What the models of the pipeline over time have in common, and the tests of them. #}

{# Counts the CTE open_deals, a row for each deal that was open at the end of a month, and names
   pipelines and stages; the columns of the stage begin with the prefix. #}
{% macro counted_by_stage(prefix="") -%}
counted as (
    select
        month_end,
        is_complete,
        counted_at,
        pipeline_id,
        stage_id,
        currency,
        count(*) as open_opportunities,
        coalesce(sum(opportunity_value), 0) as open_value,
        count(*) - count(opportunity_value) as without_value
    from open_deals
    group by month_end, is_complete, counted_at, pipeline_id, stage_id, currency
)

select
    c.month_end,
    c.is_complete,
    c.counted_at,
    c.pipeline_id,
    {{ insightly.name_of("p.pipeline_name", "pipelines") }} as pipeline,
    c.stage_id as {{ prefix }}stage_id,
    {{ insightly.name_of("s.stage_name", "pipeline_stages") }} as {{ prefix }}stage,
    {{ insightly.where_loaded("pipeline_stages", "coalesce(s.stage_order, 0)", "integer") }} as {{ prefix }}stage_order,
    c.currency,
    c.open_opportunities,
    c.open_value,
    c.without_value
from counted as c
left join {{ ref("stg_pipelines") }} as p on c.pipeline_id = p.pipeline_id
left join {{ ref("stg_pipeline_stages") }} as s on c.stage_id = s.stage_id
{%- endmacro %}

{# Compares what a model of the pipeline says of today with the deals themselves: a row if they
   differ. There is nothing to compare if as_of is a moment of the past. #}
{% macro open_deals_differ(model) -%}
with by_month as (
    select sum(open_opportunities) as deals, sum(open_value) as worth
    from {{ ref(model) }}
    where counted_at = {{ insightly.as_of() }}
),

by_deal as (
    select count(*) as deals, sum(opportunity_value) as worth
    from {{ ref("stg_opportunities") }}
    where state = 'OPEN' and created_at < {{ insightly.as_of() }}
)

select by_month.deals, by_deal.deals as deals_that_are_open
from by_month
cross join by_deal
where
    (
        coalesce(by_month.deals, 0) <> by_deal.deals
        or coalesce(by_month.worth, 0) <> coalesce(by_deal.worth, 0)
    )
    and (select max(updated_at) from {{ ref("stg_opportunities") }}) < {{ insightly.as_of() }}
{%- endmacro %}

{# The changes of state that are told of the deals of a model. #}
{% macro state_changes_of(parents) -%}
with history as (
    {{ insightly.current_children(
        "opportunity_state_history",
        parents,
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
{%- endmacro %}
