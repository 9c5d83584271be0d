with domains as (
    {{ current_children(
        "organisation_email_domains",
        ref("stg_organisations"),
        {"organisation_id": "organisation_id"},
    ) | indent(4) }}
)

select
    cast(organisation_id as bigint) as organisation_id,
    cast(email_domain_id as bigint) as email_domain_id,
    lower(email_domain) as email_domain
from domains
