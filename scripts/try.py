"""Set DevRouter up in an environment of its own and show it at work on the prompts in examples/.

python3 scripts/try.py
"""

import sys

import _environment


def main() -> int:
    python = _environment.python_with()
    devrouter = python.with_name("devrouter")
    # Findings make `check` leave with status 1, as they should in CI. Here they are what we came to see.
    status = _environment.run(devrouter, "check", "examples/")
    if status not in (0, 1):
        return status
    print(f"\nThis was the instant engine alone. To add the model on a local Ollama: {devrouter} model setup")
    return 0


if __name__ == "__main__":
    sys.exit(main())
