{#
    A stream, with the columns that the models make use of, whatever the case in which the target
    writes their names. If it was never loaded, it has no rows, and the marts leave empty what would
    be counted from it; see the macro where_loaded.

    Args:
        name: The name of the stream.
#}
{% macro loaded(name) -%}
    {%- set table = source("insightly", name) -%}
    {%- if not execute -%}
        {{ table }}
    {%- else -%}
        {%- set columns = insightly.columns_loaded(name) -%}
        {%- set there = {} -%}
        {%- set is_there = insightly.is_loaded(name) and not insightly.is_empty(name) -%}
        {%- if is_there and insightly.may_look() -%}
            {%- for column in adapter.get_columns_in_relation(table) -%}
                {%- do there.update({column.name | lower: adapter.quote(column.name)}) -%}
            {%- endfor -%}
        {%- elif is_there -%}
            {%- for column in columns -%}{%- do there.update({column: column}) -%}{%- endfor -%}
        {%- else -%}
            {%- do insightly.warn_that_it_is_missing(name) -%}
        {%- endif -%}
        (
            select
                {%- for column, one in columns.items() %}
                {% if column | lower in there -%}
                    {{ there[column | lower] }}
                {%- else -%}
                    {%- if is_there %}{% do insightly.check_absence(name, column, one) %}{% endif -%}
                    cast(null as {{ api.Column.translate_type(one.type) }})
                {%- endif %} as {{ column }}{% if not loop.last %},{% endif %}
                {%- endfor %}
            from {% if is_there %}{{ table }}{% else %}(select 1 as nothing) as nothing
            where 1 = 0{% endif %}
        )
    {%- endif -%}
{%- endmacro %}

{# The columns of a stream, by name: those in _sources.yml, and the custom fields that are wanted. #}
{% macro columns_loaded(name) %}
    {%- set columns = {} -%}
    {%- for column in insightly.source_node(name).columns.values() -%}
        {%- set counts = column.data_type != "string" or column.config.meta.get("counts", false) -%}
        {%- do columns.update({column.name: {"type": column.data_type, "counts": counts}}) -%}
    {%- endfor -%}
    {%- for field in insightly.custom_fields_of(name) -%}
        {%- do columns.update({field: {"type": "string", "counts": false}}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}

{# What dbt knows of a stream; only at run time. #}
{% macro source_node(name) %}
    {{ return(graph.sources["source.insightly.insightly." ~ name]) }}
{% endmacro %}

{# Whether the models look into the warehouse for what was loaded, or are told. #}
{% macro may_look() %}
    {{ return(var("insightly_streams") is none) }}
{% endmacro %}

{# Whether there is no record of a kind in the account, so that nothing is the right number. #}
{% macro is_empty(name) %}
    {{ return(name in var("insightly_empty_streams")) }}
{% endmacro %}

{# Whether a stream is in the warehouse, or counts as loaded because it is known to be empty. #}
{% macro is_loaded(name) %}
    {%- if not execute or insightly.is_empty(name) -%}
        {{ return(true) }}
    {%- elif not insightly.may_look() -%}
        {{ return(name in var("insightly_streams")) }}
    {%- endif -%}
    {%- set one = insightly.source_node(name) -%}
    {{ return(adapter.get_relation(one.database, one.schema, one.identifier) is not none) }}
{% endmacro %}

{#
    An expression, or null if one of the streams was not loaded that it takes: what is counted
    without one of them would be too small, and nobody could tell.

    Args:
        streams: The names of the streams, with spaces in between.
        expression: What to select.
        type: Its type.
#}
{% macro where_loaded(streams, expression, type="bigint") -%}
    {%- set missing = [] -%}
    {%- for name in streams.split() if not insightly.is_loaded(name) -%}
        {%- do missing.append(name) -%}
    {%- endfor -%}
    {%- if missing -%}
        cast(null as {{ api.Column.translate_type(type) }})
    {%- else -%}
        {{ expression }}
    {%- endif -%}
{%- endmacro %}

{# A name out of another stream, none if there is none; null if that stream was not loaded. #}
{% macro name_of(column, stream) -%}
    {{ insightly.where_loaded(stream, "coalesce(" ~ column ~ ", 'none')", "string") }}
{%- endmacro %}

{# Say that a stream is not there, and what to do. #}
{% macro warn_that_it_is_missing(name) %}
    {%- if not insightly.is_empty(name) -%}
        {%- do exceptions.warn(
            "Stream " ~ name ~ " was not loaded: columns that take it are null. Select it in the tap;"
            ~ " or, if your account has none, add it to the variable insightly_empty_streams."
        ) -%}
    {%- endif -%}
{% endmacro %}

{# Say that a column is not there; stop if figures would be wrong without it. #}
{% macro check_absence(name, column, one) %}
    {%- set what = "Stream " ~ name ~ " was loaded without its column " ~ column -%}
    {%- if column == "_sdc_deleted_at" -%}
        {# Nothing was ever marked as deleted. #}
    {%- elif one.counts -%}
        {%- do exceptions.raise_compiler_error(
            what ~ ", which the models need. Select it in the tap, and load the stream again."
        ) -%}
    {%- else -%}
        {%- do exceptions.warn(what ~ ": it is null.") -%}
    {%- endif -%}
{% endmacro %}
