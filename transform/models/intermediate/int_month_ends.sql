{%- set this_month = dbt.date_trunc("month", as_of()) -%}
with months as (
    select
        cast({{ dbt.dateadd("month", "1 - generated_number", this_month) }} as timestamp)
            as month_start
    from (
        -- A hundred years back, of which those since the first opportunity are kept.
        {{ dbt.generate_series(1200) | indent(8) }}
    ) as numbers
),

month_ends as (
    select
        cast({{ dbt.last_day("month_start", "month") }} as date) as month_end,
        cast({{ dbt.dateadd("month", 1, "month_start") }} as timestamp) as next_month_start
    from months
    where
        cast({{ dbt.dateadd("month", 1, "month_start") }} as timestamp)
        > (select min(created_at) from {{ ref("int_opportunities_ever") }})
)

select
    month_end,
    next_month_start <= {{ as_of() }} as is_complete,
    case when next_month_start <= {{ as_of() }} then next_month_start else {{ as_of() }} end
        as counted_at
from month_ends
