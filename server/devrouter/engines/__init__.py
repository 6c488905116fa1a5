"""Who answers a draft: each engine stands behind the one Protocol in `engine.py`."""
