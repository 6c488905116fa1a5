"""When to ask whom: settings, triage, what is shown now, and how the engines are."""
