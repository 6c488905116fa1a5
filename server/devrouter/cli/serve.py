"""`devrouter serve`: the language server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devrouter.cli.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    import argparse

HELP = "the language server, for an editor to start"
DESCRIPTION = (
    "Speaks the Language Server Protocol over standard input and output. Editors start this command."
)
EXAMPLES = """\
examples:
  devrouter serve                        what an editor runs
  devrouter serve --tcp 127.0.0.1:7700   waits for one editor on a local port
  devrouter serve --engine instant       never asks a model
"""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tcp",
        metavar="HOST:PORT",
        help="listen there instead; HOST must be this machine, such as 127.0.0.1",
    )
    # VS Code's client appends it.
    parser.add_argument(
        "--stdio", action="store_true", help="standard input and output, which is the default"
    )


def run(arguments: argparse.Namespace) -> int:
    """0 after the editor asked for the shutdown, 1 where it went away without, as the protocol has it."""
    address = None if arguments.tcp is None else _loopback_address(arguments.tcp)
    from devrouter.lsp.server import ServeOptions, serve

    user_options = {} if arguments.engine is None else {"engine": arguments.engine}
    try:
        return serve(tcp=address, options=ServeOptions(user_options, arguments.config))
    except OSError as error:
        if address is None:
            raise
        reason = (error.strerror or str(error)).lower()
        raise CommandError(
            ExitStatus.USAGE, f"--tcp {arguments.tcp}: cannot listen there: {reason}"
        ) from None


def _loopback_address(written: str) -> str:
    """`host:port` of this machine. Raises `CommandError` for anything else."""
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:]+)):(?P<port>\d{1,5})", written)
    if match is None or int(match["port"]) > 65535:
        raise CommandError(ExitStatus.USAGE, f"--tcp {written}: write HOST:PORT, such as 127.0.0.1:7700")
    host = match["v6"] or match["host"]
    if host not in _LOOPBACK:
        raise CommandError(
            ExitStatus.USAGE,
            f"--tcp {written}: {host} is not this machine's own address, and a server without a password "
            "listens on 127.0.0.1 only",
        )
    return f"{host}:{match['port']}"
