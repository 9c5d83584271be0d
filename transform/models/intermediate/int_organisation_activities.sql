with subjects as (
    select one_type as activity_type, one_id as activity_id, other_type, other_id
    from {{ ref("int_linked_pairs") }}
    where one_type in ('Task', 'Event', 'Note', 'Email')
    union distinct
    select 'Task' as activity_type, task_id, 'Opportunity' as other_type, opportunity_id
    from {{ ref("stg_tasks") }}
    where opportunity_id is not null
    union distinct
    select 'Task' as activity_type, task_id, 'Project' as other_type, project_id
    from {{ ref("stg_tasks") }}
    where project_id is not null
)

select distinct r.organisation_id, s.activity_type, s.activity_id
from subjects as s
inner join {{ ref("int_organisation_records") }} as r
    on s.other_type = r.record_type and s.other_id = r.record_id
inner join {{ ref("stg_records") }} as a
    on s.activity_type = a.record_type and s.activity_id = a.record_id
