"""``python -m sandbox --state-dir DIR``: serve until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from .server import Ports, Sandbox


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--host", default="localhost")
    for name in Ports.__annotations__:
        option = f"--{name.replace('_', '-')}-port"
        parser.add_argument(option, dest=name, type=int, default=0)
    options = parser.parse_args()
    ports = Ports(**{name: getattr(options, name) for name in Ports.__annotations__})
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    asyncio.run(Sandbox(options.state_dir.resolve(), options.host, ports).run())


if __name__ == "__main__":
    main()
