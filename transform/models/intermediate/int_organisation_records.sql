with own as (
    select organisation_id, 'Organisation' as record_type, organisation_id as record_id
    from {{ ref("stg_organisations") }}
    union distinct
    select organisation_id, 'Contact' as record_type, contact_id as record_id
    from {{ ref("stg_contacts") }}
    union distinct
    select organisation_id, 'Opportunity' as record_type, opportunity_id as record_id
    from {{ ref("stg_opportunities") }}
    union distinct
    select
        coalesce(t.organisation_id, c.organisation_id) as organisation_id,
        'Ticket' as record_type,
        t.ticket_id as record_id
    from {{ ref("stg_tickets") }} as t
    left join {{ ref("stg_contacts") }} as c on t.contact_id = c.contact_id
    union distinct
    select o.organisation_id, 'Project' as record_type, p.project_id as record_id
    from {{ ref("stg_projects") }} as p
    inner join {{ ref("stg_opportunities") }} as o on p.opportunity_id = o.opportunity_id
    union distinct
    select l.other_id as organisation_id, 'Project' as record_type, p.project_id as record_id
    from {{ ref("stg_projects") }} as p
    inner join {{ ref("int_linked_pairs") }} as l
        on l.one_type = 'Project' and l.one_id = p.project_id and l.other_type = 'Organisation'
)

-- Contacts and opportunities may still name an organisation that was deleted.
select own.organisation_id, own.record_type, own.record_id
from own
inner join {{ ref("stg_organisations") }} as o on own.organisation_id = o.organisation_id
