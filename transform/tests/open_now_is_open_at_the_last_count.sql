-- What the state history says of today has to agree with what the deals themselves say.
{{ open_deals_differ("pipeline_by_month") }}
