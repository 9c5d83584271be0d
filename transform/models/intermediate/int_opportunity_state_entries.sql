{{ state_changes_of(ref("int_opportunities_ever")) }}
