"""Made-up data that a person would believe, and in which every id leads somewhere."""
