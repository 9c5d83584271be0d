with people as (
    select
        organisation_id,
        contact_id,
        true as works_there,
        cast(null as {{ dbt.type_string() }}) as role,
        cast(null as bigint) as opportunity_id
    from {{ ref("stg_contacts") }}
    where organisation_id is not null
    union all
    select
        one_id as organisation_id,
        other_id as contact_id,
        false as works_there,
        role,
        cast(null as bigint) as opportunity_id
    from {{ ref("int_linked_pairs") }}
    where one_type = 'Organisation' and other_type = 'Contact'
    union all
    select
        o.organisation_id,
        l.other_id as contact_id,
        false as works_there,
        l.role,
        o.opportunity_id
    from {{ ref("int_linked_pairs") }} as l
    inner join {{ ref("stg_opportunities") }} as o
        on l.one_type = 'Opportunity' and l.one_id = o.opportunity_id
    where l.other_type = 'Contact'
),

counted as (
    select
        organisation_id,
        contact_id,
        {{ dbt.bool_or("works_there") }} as works_there,
        count(distinct opportunity_id) as opportunities
    from people
    group by organisation_id, contact_id
),

roles as (
    select
        organisation_id,
        contact_id,
        {{ dbt.listagg("role", "', '", "order by role") }} as roles
    from (
        select distinct organisation_id, contact_id, role from people where role is not null
    ) as each_once
    group by organisation_id, contact_id
)

select
    p.organisation_id,
    o.organisation_name,
    p.contact_id,
    c.contact_name,
    c.job_title,
    c.email,
    p.works_there,
    {{ where_loaded("links opportunities", "r.roles", type="string") }} as roles,
    {{ where_loaded("links opportunities", "p.opportunities") }} as opportunities
    {{- custom_fields("contacts", "c") }}
from counted as p
inner join {{ ref("stg_organisations") }} as o on p.organisation_id = o.organisation_id
inner join {{ ref("stg_contacts") }} as c on p.contact_id = c.contact_id
left join roles as r on p.organisation_id = r.organisation_id and p.contact_id = r.contact_id
