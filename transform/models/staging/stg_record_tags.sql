{%- set columns = {
    "parent_type": dbt.type_string(),
    "parent_id": "bigint",
    "tag_name": dbt.type_string(),
} -%}
with tags as (
    {{ current_children(
        "record_tags",
        columns,
        ref("stg_records"),
        {"parent_type": "record_type", "parent_id": "record_id"},
    ) | indent(4) }}
)

select
    parent_type as record_type,
    cast(parent_id as bigint) as record_id,
    tag_name as tag
from tags
