with tags as (
    {{ current_children(
        "record_tags",
        ref("stg_records"),
        {"parent_type": "record_type", "parent_id": "record_id"},
    ) | indent(4) }}
)

select
    parent_type as record_type,
    cast(parent_id as bigint) as record_id,
    tag_name as tag
from tags
