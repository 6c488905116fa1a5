"""How good an engine is: labelled rows, its answers to them, and what these are worth."""
