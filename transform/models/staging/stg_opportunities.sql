select
    cast(opportunity_id as bigint) as opportunity_id,
    opportunity_name,
    cast(organisation_id as bigint) as organisation_id,
    cast(pipeline_id as bigint) as pipeline_id,
    cast(stage_id as bigint) as stage_id,
    opportunity_state as state,
    coalesce(bid_currency, 'none') as currency,
    cast(opportunity_value as numeric(18, 2)) as opportunity_value,
    cast(probability as integer) as probability,
    cast(forecast_close_date as date) as forecast_close_on,
    cast(actual_close_date as date) as closed_on,
    cast(coalesce(responsible_user_id, owner_user_id) as bigint) as responsible_user_id,
    cast(owner_user_id as bigint) as owner_user_id,
    cast(date_created_utc as timestamp) as created_at,
    cast(date_updated_utc as timestamp) as updated_at,
    cast(last_activity_date_utc as timestamp) as last_activity_at,
    cast(next_activity_date_utc as timestamp) as next_activity_at
    {{- custom_fields("opportunities") }}
from {{ loaded("opportunities") }} as loaded
where _sdc_deleted_at is null
