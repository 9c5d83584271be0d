{%- set in_a_week = "cast(" ~ dbt.dateadd("day", 7, as_of()) ~ " as timestamp)" -%}
with tasks as (
    select
        responsible_user_id as user_id,
        count(*) as open_tasks,
        count(case when due_on < cast({{ as_of() }} as date) then 1 end) as overdue_tasks,
        count(
            case
                when
                    due_on >= cast({{ as_of() }} as date)
                    and due_on < cast({{ in_a_week }} as date)
                    then 1
            end
        ) as tasks_due_within_a_week,
        count(case when due_on is null then 1 end) as tasks_without_due_date,
        min(due_on) as first_due_on
    from {{ ref("stg_tasks") }}
    where not is_completed
    group by responsible_user_id
),

events as (
    select
        owner_user_id as user_id,
        count(*) as upcoming_events,
        count(case when starts_at < {{ in_a_week }} then 1 end) as events_within_a_week,
        min(starts_at) as next_event_at
    from {{ ref("stg_events") }}
    where starts_at >= {{ as_of() }}
    group by owner_user_id
),

owners as (
    select user_id from {{ ref("stg_users") }}
    union distinct
    select user_id from tasks
    union distinct
    select user_id from events
)

select
    o.user_id,
    {%- set name = "case when o.user_id is null then 'nobody' else coalesce(u.user_name, 'unknown user') end" %}
    {{ where_loaded("users", name, type="string") }} as user_name,
    {{ where_loaded("users", "coalesce(u.is_active, false)", type="boolean") }} as is_active_user,
    {{ where_loaded("tasks", "coalesce(t.open_tasks, 0)") }} as open_tasks,
    {{ where_loaded("tasks", "coalesce(t.overdue_tasks, 0)") }} as overdue_tasks,
    {{ where_loaded("tasks", "coalesce(t.tasks_due_within_a_week, 0)") }} as tasks_due_within_a_week,
    {{ where_loaded("tasks", "coalesce(t.tasks_without_due_date, 0)") }} as tasks_without_due_date,
    t.first_due_on,
    {{ where_loaded("events", "coalesce(e.upcoming_events, 0)") }} as upcoming_events,
    {{ where_loaded("events", "coalesce(e.events_within_a_week, 0)") }} as events_within_a_week,
    e.next_event_at,
    {{ as_of() }} as counted_at
from owners as o
left join {{ ref("stg_users") }} as u on o.user_id = u.user_id
-- Nobody's tasks are a row, too.
left join tasks as t on o.user_id = t.user_id or (o.user_id is null and t.user_id is null)
left join events as e on o.user_id = e.user_id or (o.user_id is null and e.user_id is null)
