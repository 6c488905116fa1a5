"""Write the settings part of vscode-client/package.json, and its version, from the server's.

python scripts/generate_manifest.py            writes the file
python scripts/generate_manifest.py --check    says whether it is stale, and by its exit status

Runs in an environment that has `devrouter` installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from devrouter import __version__
from devrouter.app.settings_schema import settings_schema

MANIFEST = Path(__file__).resolve().parents[1] / "vscode-client" / "package.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if the file is stale")
    arguments = parser.parse_args()
    written = MANIFEST.read_text(encoding="utf-8")
    fresh = generated(written)
    if fresh == written:
        return 0
    if arguments.check:
        print(f"{MANIFEST} is stale: run python scripts/generate_manifest.py", file=sys.stderr)
        return 1
    MANIFEST.write_text(fresh, encoding="utf-8")
    return 0


def generated(manifest: str) -> str:
    """The manifest with the server's version and settings; what is the client's own stays."""
    package: dict[str, Any] = json.loads(manifest)
    package["version"] = __version__
    own, _ = package["contributes"]["configuration"]
    # As JavaScript writes numbers, so that npm leaves the file as it is.
    schema = json.loads(json.dumps(settings_schema()), parse_float=_number)
    package["contributes"]["configuration"] = [own, schema]
    machine = (
        name
        for group in (own, schema)
        for name, setting in group["properties"].items()
        if setting["scope"] == "machine"
    )
    package["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = list(machine)
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _number(written: str) -> int | float:
    value = float(written)
    return int(value) if value.is_integer() else value


if __name__ == "__main__":
    sys.exit(main())
