with pieces as (
    select
        *,
        lag(left_at) over (partition by opportunity_id order by entered_at) as left_before,
        lag(pipeline_id) over (partition by opportunity_id order by entered_at) as pipeline_before,
        lag(stage_id) over (partition by opportunity_id order by entered_at) as stage_before
    from {{ ref("int_opportunity_stages") }}
),

-- A version that differs in something else is no new stage. After a gap the deal was reopened.
numbered as (
    select
        *,
        sum(
            case
                when
                    left_before = entered_at
                    and pipeline_before is not distinct from pipeline_id
                    and stage_before is not distinct from stage_id
                    then 0
                else 1
            end
        ) over (
            partition by opportunity_id
            order by entered_at
            rows between unbounded preceding and current row
        ) as place
    from pieces
),

periods as (
    select
        opportunity_id,
        pipeline_id,
        stage_id,
        place,
        min(entered_at) as entered_at,
        min(not_before) as not_before,
        max(case when is_first_look then 1 else 0 end) = 0 as is_entry_seen,
        case when count(*) = count(left_at) then max(left_at) end as left_at,
        max(left_for) as left_for
    from numbered
    group by opportunity_id, pipeline_id, stage_id, place
),

followed as (
    select
        p.*,
        s.stage_name,
        s.stage_order,
        lead(p.pipeline_id) over (partition by p.opportunity_id order by p.place) as pipeline_after,
        lead(p.stage_id) over (partition by p.opportunity_id order by p.place) as stage_after,
        lead(s.stage_order) over (partition by p.opportunity_id order by p.place) as order_after
    from periods as p
    left join {{ ref("stg_pipeline_stages") }} as s on p.stage_id = s.stage_id
)

select
    f.opportunity_id,
    o.opportunity_name,
    cast(f.place as bigint) as place,
    f.pipeline_id,
    {{ name_of("p.pipeline_name", "pipelines") }} as pipeline,
    f.stage_id,
    {{ name_of("f.stage_name", "pipeline_stages") }} as stage,
    {{ where_loaded("pipeline_stages", "coalesce(f.stage_order, 0)", "integer") }} as stage_order,
    f.entered_at,
    f.not_before as entered_not_before,
    f.is_entry_seen,
    f.left_at,
    case
        when f.left_at is null then null
        when f.left_for is not null then f.left_for
        when f.pipeline_after is distinct from f.pipeline_id then 'OTHER PIPELINE'
        {%- if is_loaded("pipeline_stages") %}
        when f.order_after > f.stage_order then 'FORWARD'
        when f.order_after < f.stage_order then 'BACK'
        else 'OTHER STAGE'
        {%- endif %}
    end as left_for,
    case when f.left_at is not null and f.left_for is null then f.stage_after end as next_stage_id,
    f.left_at is null as is_current,
    cast(
        {{ dbt.datediff("f.entered_at", "coalesce(f.left_at, " ~ as_of() ~ ")", "second") }} / 86400.0
        as numeric(18, 2)
    ) as days,
    o.is_deleted
from followed as f
inner join {{ ref("int_opportunities_ever") }} as o on f.opportunity_id = o.opportunity_id
left join {{ ref("stg_pipelines") }} as p on f.pipeline_id = p.pipeline_id
