with links as (
    {{ current_children(
        "links",
        ref("stg_records"),
        {"parent_type": "record_type", "parent_id": "record_id"},
    ) | indent(4) }}
),

-- Insightly may name a record on either side of its own link; the other side is what it links to.
sides as (
    select
        *,
        link_object_name = parent_type and link_object_id = parent_id as is_seen_from_behind
    from links
)

select
    cast(link_id as bigint) as link_id,
    parent_type as from_type,
    cast(parent_id as bigint) as from_id,
    case when is_seen_from_behind then object_name else link_object_name end as to_type,
    cast(case when is_seen_from_behind then object_id else link_object_id end as bigint) as to_id,
    nullif(role, '') as role,
    nullif(details, '') as details,
    cast(relationship_id as bigint) as relationship_id,
    is_forward
from sides
