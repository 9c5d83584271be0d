select
    cast(contact_id as bigint) as contact_id,
    cast(organisation_id as bigint) as organisation_id,
    first_name,
    last_name,
    {{ full_name("first_name", "last_name") }} as contact_name,
    title as job_title,
    email_address as email,
    coalesce(phone, phone_mobile) as phone,
    coalesce(email_opted_out, false) as has_opted_out_of_email,
    address_mail_city as city,
    address_mail_country as country,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at,
    cast(last_activity_date_utc as timestamp) as last_activity_at,
    cast(next_activity_date_utc as timestamp) as next_activity_at
    {{- custom_fields("contacts") }}
from {{ loaded("contacts") }} as loaded
where _sdc_deleted_at is null
