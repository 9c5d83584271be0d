{{ config(severity="warn") }}
-- What the snapshots and the state history say of today has to agree with the deals themselves. It
-- warns if no snapshot was taken since.
{{ open_deals_differ("pipeline_as_it_was") }}
    and (select max(recorded_at) from {{ ref("opportunity_versions") }}) <= {{ as_of() }}
    and {{ seen_at() }} <= {{ as_of() }}
