"""``make lock``: pin again what the environments hold, with hashes and without any address."""

import subprocess

from .places import REQUIREMENTS
from .python_environment import environment

_ENVIRONMENTS = ("build", "odoo", "lint")


def lock():
    """Write the newest versions that fit into ``requirements/*.lock``."""
    uv = environment("lint").program("uv")
    for name in _ENVIRONMENTS:
        command = [uv, "pip", "compile", "--quiet", "--upgrade", f"{name}.in", "-o", f"{name}.lock"]
        command += ["--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate"]
        subprocess.run(command, cwd=REQUIREMENTS, check=True, stdout=subprocess.DEVNULL)
