-- A link stands at one of its two records; here it is seen from both.
select
    from_type as one_type,
    from_id as one_id,
    to_type as other_type,
    to_id as other_id,
    role
from {{ ref("stg_links") }}
union distinct
select
    to_type as one_type,
    to_id as one_id,
    from_type as other_type,
    from_id as other_id,
    role
from {{ ref("stg_links") }}
