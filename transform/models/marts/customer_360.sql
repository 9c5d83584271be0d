{#- An activity is about an organisation if it is linked to it, or to what belongs to it. -#}
{%- set about = "links contacts opportunities projects tickets" -%}
with people as (
    select
        organisation_id,
        count(case when works_there then 1 end) as contacts,
        count(case when not works_there then 1 end) as other_people
    from {{ ref("customer_people") }}
    group by organisation_id
),

opportunities as (
    select
        organisation_id,
        cast(sum(opportunities) as bigint) as opportunities,
        cast(sum(open_opportunities) as bigint) as open_opportunities,
        cast(sum(won_opportunities) as bigint) as won_opportunities,
        cast(sum(lost_opportunities) as bigint) as lost_opportunities,
        {{ dbt.listagg("open_amount", "', '", "order by currency") }} as open_value,
        {{ dbt.listagg("won_amount", "', '", "order by currency") }} as won_value
    from (
        select
            *,
            case
                when open_opportunities > 0
                    then cast(open_value as {{ dbt.type_string() }}) || ' ' || currency
            end as open_amount,
            case
                when won_opportunities > 0
                    then cast(won_value as {{ dbt.type_string() }}) || ' ' || currency
            end as won_amount
        from {{ ref("customer_value_by_currency") }}
    ) as in_words
    group by organisation_id
),

tickets as (
    select
        r.organisation_id,
        count(*) as tickets,
        count(case when t.is_open then 1 end) as open_tickets
    from {{ ref("stg_tickets") }} as t
    inner join {{ ref("int_organisation_records") }} as r
        on r.record_type = 'Ticket' and t.ticket_id = r.record_id
    group by r.organisation_id
),

activities as (
    select
        a.organisation_id,
        count(case when not t.is_completed then 1 end) as open_tasks,
        count(
            case
                when not t.is_completed and t.due_on < cast({{ as_of() }} as date) then 1
            end
        ) as overdue_tasks,
        count(case when e.starts_at >= {{ as_of() }} then 1 end) as upcoming_events,
        max(m.sent_at) as last_email_at,
        max(n.created_at) as last_note_at
    from {{ ref("int_organisation_activities") }} as a
    left join {{ ref("stg_tasks") }} as t on a.activity_type = 'Task' and a.activity_id = t.task_id
    left join {{ ref("stg_events") }} as e
        on a.activity_type = 'Event' and a.activity_id = e.event_id
    left join {{ ref("stg_notes") }} as n on a.activity_type = 'Note' and a.activity_id = n.note_id
    left join {{ ref("stg_emails") }} as m
        on a.activity_type = 'Email' and a.activity_id = m.email_id
    group by a.organisation_id
),

last_and_next as (
    select
        organisation_id,
        max(case when last_activity_at <= {{ as_of() }} then last_activity_at end)
            as last_activity_at,
        min(case when next_activity_at >= {{ as_of() }} then next_activity_at end)
            as next_activity_at
    from (
        select organisation_id, last_activity_at, next_activity_at
        from {{ ref("stg_organisations") }}
        union all
        select organisation_id, last_activity_at, next_activity_at
        from {{ ref("stg_contacts") }}
        union all
        select organisation_id, last_activity_at, next_activity_at
        from {{ ref("stg_opportunities") }}
    ) as all_of_them
    group by organisation_id
),

tags as (
    select record_id as organisation_id, {{ dbt.listagg("tag", "', '", "order by tag") }} as tags
    from {{ ref("stg_record_tags") }}
    where record_type = 'Organisation'
    group by record_id
),

domains as (
    select
        organisation_id,
        {{ dbt.listagg("email_domain", "', '", "order by email_domain") }} as email_domains
    from {{ ref("stg_organisation_email_domains") }}
    group by organisation_id
)

select
    o.organisation_id,
    o.organisation_name,
    o.owner_user_id,
    {{ where_loaded("users", "u.user_name", type="string") }} as owner,
    o.website,
    {{ where_loaded("organisation_email_domains", "d.email_domains", type="string") }} as email_domains,
    o.phone,
    o.billing_city as city,
    o.billing_country as country,
    {{ where_loaded("record_tags", "tags.tags", type="string") }} as tags,
    {{ where_loaded("contacts", "coalesce(p.contacts, 0)") }} as contacts,
    {{ where_loaded("contacts links opportunities", "coalesce(p.other_people, 0)") }}
        as other_people,
    {{ where_loaded("opportunities", "coalesce(v.opportunities, 0)") }} as opportunities,
    {{ where_loaded("opportunities", "coalesce(v.open_opportunities, 0)") }} as open_opportunities,
    v.open_value,
    {{ where_loaded("opportunities", "coalesce(v.won_opportunities, 0)") }} as won_opportunities,
    v.won_value,
    {{ where_loaded("opportunities", "coalesce(v.lost_opportunities, 0)") }} as lost_opportunities,
    {{ where_loaded("tickets contacts", "coalesce(t.tickets, 0)") }} as tickets,
    {{ where_loaded("tickets contacts", "coalesce(t.open_tickets, 0)") }} as open_tickets,
    {{ where_loaded("tasks " ~ about, "coalesce(a.open_tasks, 0)") }} as open_tasks,
    {{ where_loaded("tasks " ~ about, "coalesce(a.overdue_tasks, 0)") }} as overdue_tasks,
    {{ where_loaded("events " ~ about, "coalesce(a.upcoming_events, 0)") }} as upcoming_events,
    {{ where_loaded("emails " ~ about, "a.last_email_at", type="timestamp") }} as last_email_at,
    {{ where_loaded("notes " ~ about, "a.last_note_at", type="timestamp") }} as last_note_at,
    {{ where_loaded("contacts opportunities", "l.last_activity_at", type="timestamp") }}
        as last_activity_at,
    {{ where_loaded("contacts opportunities", "l.next_activity_at", type="timestamp") }}
        as next_activity_at,
    o.created_at,
    {{ as_of() }} as counted_at
    {{- custom_fields("organisations", "o") }}
from {{ ref("stg_organisations") }} as o
left join {{ ref("stg_users") }} as u on o.owner_user_id = u.user_id
left join people as p on o.organisation_id = p.organisation_id
left join opportunities as v on o.organisation_id = v.organisation_id
left join tickets as t on o.organisation_id = t.organisation_id
left join activities as a on o.organisation_id = a.organisation_id
left join last_and_next as l on o.organisation_id = l.organisation_id
left join tags on o.organisation_id = tags.organisation_id
left join domains as d on o.organisation_id = d.organisation_id
