"""`python -m devrouter` is the `devrouter` command."""

from __future__ import annotations

import sys

from devrouter.cli.main import main

sys.exit(main())
