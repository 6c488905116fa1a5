"""The embedded engine: the whole decision in milliseconds, with no model server and no network."""
