-- Which companies have the most open tasks, their contacts' and opportunities' included?
with links as (
    select
        t.task_id,
        link ->> 'LINK_OBJECT_NAME' as object_name,
        (link ->> 'LINK_OBJECT_ID')::bigint as object_id
    from insightly.tasks as t, unnest(from_json(t.links, '["json"]')) as _ (link)
    where not t.completed
),

companies as (
    select task_id, object_id as organisation_id
    from links
    where object_name = 'Organisation'
    union
    select l.task_id, c.organisation_id
    from links as l
    inner join insightly.contacts as c on l.object_name = 'Contact' and l.object_id = c.contact_id
    union
    select l.task_id, o.organisation_id
    from links as l
    inner join insightly.opportunities as o
        on l.object_name = 'Opportunity' and l.object_id = o.opportunity_id
)

select count(*) as open_tasks, o.organisation_name as company
from companies as c
inner join insightly.organisations as o on c.organisation_id = o.organisation_id
group by o.organisation_id, o.organisation_name
order by open_tasks desc, company
limit 5
