"""Step functions as people write them: what each argument is, found by name, place and trial."""
