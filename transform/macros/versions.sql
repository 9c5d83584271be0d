{#
    What a snapshot keeps of a stream: the records as they are now, and those that are gone since.

    A version begins when Insightly says that the record was last changed: since then it is known to
    be so. Where Insightly does not say, as its date did not move or because the record is gone or
    came back, the version begins when this is seen; a deletion that the tap has found, when the tap
    found it. A version never begins before the one that it follows. dbt keeps a new version of each
    record whose known_since is later than that of the last one, and of no other.

    Not kept is what changes with every call and email: when something last happened, and is next due.

    Args:
        stream: The name of the stream.
        key: Its key.
#}
{% macro versions(stream, key) -%}
    {%- set model = ref("stg_" ~ stream) -%}
    {%- if execute -%}
    {%- set columns = [] -%}
    {%- set node = graph.nodes["model.insightly.stg_" ~ stream] -%}
    {%- for column in node.columns if column not in ["last_activity_at", "next_activity_at"] -%}
        {%- do columns.append(column) -%}
    {%- endfor -%}
    {%- do columns.extend(insightly.custom_fields_of(stream)) -%}
    {%- set known = load_relation(this) if insightly.may_look() -%}
    {%- set kept = [] -%}
    {%- if known -%}
        {%- for column in adapter.get_columns_in_relation(known) -%}
            {%- do kept.append(column.name | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    with here as (
        select
            {{ columns | join(",\n            ") }}
        from {{ model }}
    )
    {%- if not known %}

    select
        *,
        coalesce(updated_at, created_at, {{ insightly.seen_at() }}) as known_since,
        false as is_deleted,
        {{ insightly.seen_at() }} as recorded_at
    from here
    {%- else %},

    known as (
        select
            {%- for column in columns if column | lower in kept %}
            {{ column }},
            {%- endfor %}
            known_since,
            is_deleted
        from {{ this }}
        where valid_to is null
    ),

    gone as (
        select
            cast({{ key }} as bigint) as {{ key }},
            cast(_sdc_deleted_at as timestamp) as found_gone_at
        from {{ insightly.loaded(stream) }} as loaded
        where _sdc_deleted_at is not null
    )

    select
        here.*,
        case
            when known.{{ key }} is null
                then coalesce(here.updated_at, here.created_at, {{ insightly.seen_at() }})
            when
                not known.is_deleted
                {%- for column in columns if column not in [key, "updated_at"] %}
                {%- if column | lower in kept %}
                and here.{{ column }} is not distinct from known.{{ column }}
                {%- else %}
                and here.{{ column }} is null
                {%- endif %}
                {%- endfor %}
                then known.known_since
            when here.updated_at > known.known_since then here.updated_at
            else {{ insightly.seen_after("known.known_since") }}
        end as known_since,
        false as is_deleted,
        {{ insightly.seen_at() }} as recorded_at
    from here
    left join known on here.{{ key }} = known.{{ key }}
    union all
    -- What is gone stays as it was known last. If all are gone, the table was emptied.
    select
        {%- for column in columns %}
        {% if column | lower in kept %}known.{{ column }}{% else %}null as {{ column }}{% endif %},
        {%- endfor %}
        case
            when gone.found_gone_at > known.known_since then gone.found_gone_at
            else {{ insightly.seen_after("known.known_since") }}
        end as known_since,
        true as is_deleted,
        {{ insightly.seen_at() }} as recorded_at
    from known
    left join here on known.{{ key }} = here.{{ key }}
    left join gone on known.{{ key }} = gone.{{ key }}
    where here.{{ key }} is null and not known.is_deleted and exists (select 1 from here)
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The moment at which snapshots look: when dbt starts. Not as_of, which may be long ago. #}
{% macro seen_at() -%}
    cast('{{ var("insightly_seen_at") or run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}

{# That moment, but never as early as another one. #}
{% macro seen_after(moment) -%}
    case
        when {{ insightly.seen_at() }} > {{ moment }} then {{ insightly.seen_at() }}
        else cast({{ dbt.dateadd("second", 1, moment) }} as timestamp)
    end
{%- endmacro %}
