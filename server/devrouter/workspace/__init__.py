"""Facts that fill gaps: what a project's files, its git folder and this machine already say. Read-only."""
