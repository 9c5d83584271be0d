{{ state_changes_of(ref("stg_opportunities")) }}
