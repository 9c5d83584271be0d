{#
    A stream that need not be there: because the plan leaves it out, the user of the API key may not
    see it, or it was not selected. If it was never loaded, it has no rows.

    Args:
        name: The name of the stream.
        columns: The columns that are made use of, each with its type.
#}
{% macro loaded(name, columns) -%}
    {%- set table = source("insightly", name) -%}
    {%- if execute and load_relation(table) is none -%}
        (
            select
                {%- for column, type in columns.items() %}
                cast(null as {{ type }}) as {{ column }},
                {%- endfor %}
                cast(null as timestamp) as _sdc_deleted_at
            where 1 = 0
        )
    {%- else -%}
        {{ table }}
    {%- endif -%}
{%- endmacro %}
