{%- set outcomes = {
    "moved_forward": "FORWARD",
    "moved_back": "BACK",
    "moved_to_other_stage": "OTHER STAGE",
    "moved_to_other_pipeline": "OTHER PIPELINE",
    "won": "WON",
    "lost": "LOST",
    "abandoned": "ABANDONED",
    "suspended": "SUSPENDED",
    "deleted": "DELETED",
} -%}
with counted as (
    select
        pipeline_id,
        pipeline,
        stage_id,
        stage,
        stage_order,
        count(*) as periods,
        count(distinct opportunity_id) as opportunities,
        count(case when is_current then 1 end) as still_there,
        {%- for column, outcome in outcomes.items() %}
        {%- set streams = "pipeline_stages" if outcome in ["FORWARD", "BACK", "OTHER STAGE"] else "" %}
        {%- set number = "count(case when left_for = '" ~ outcome ~ "' then 1 end)" %}
        {{ where_loaded(streams, number) }} as {{ column }},
        {%- endfor %}
        cast(
            avg(case when is_entry_seen and not is_current then days end) as numeric(18, 2)
        ) as average_days,
        count(case when is_entry_seen and not is_current then 1 end) as periods_in_average
    from {{ ref("opportunity_stage_history") }}
    group by pipeline_id, pipeline, stage_id, stage, stage_order
)

select
    *,
    case
        when periods > still_there
            then cast(
                (moved_forward + won) * 1.0 / (periods - still_there) as numeric(18, 4)
            )
    end as conversion_rate
from counted
