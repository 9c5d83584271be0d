{#
    The rows of a child stream that belong to a record as it is now.

    A child stream sends what an array of a record holds, and again when the record was changed. What
    was taken out of the array since is not sent any more, but its row stays. Such a row is told by
    PARENT_UPDATED_UTC: it is older than the record, or than its siblings. Rows of deleted records
    drop out with them.

    Args:
        child: The name of the child stream.
        parent: A select of live records, with the column updated_at.
        on: Pairs of columns, of the child and of the parent, that say which record a row is of.
#}
{% macro current_children(child, parent, on) -%}
    select child.*
    from (
        select
            *,
            max(parent_updated_utc) over (partition by {{ on.keys() | join(", ") }}) as newest
        from {{ insightly.loaded(child) }} as all_rows
        where _sdc_deleted_at is null
    ) as child
    inner join {{ parent }} as parent
        on {% for own, other in on.items() -%}
            child.{{ own }} = parent.{{ other }}
            {%- if not loop.last %} and {% endif %}
        {%- endfor %}
    where
        child.parent_updated_utc = child.newest
        and child.parent_updated_utc >= parent.updated_at
{%- endmacro %}
