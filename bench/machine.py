"""What a benchmark ran on."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path

from scripts.places import ROOT


def described(command, postgres_version):
    """Return lines of Markdown: command, date, commit and machine.

    :param command: as a person types it
    """
    today = datetime.datetime.now(datetime.UTC).date()
    return [
        f"- command: `{command}`",
        f"- date: {today}, commit `{_git('rev-parse', '--short', 'HEAD')}`{_changes()}",
        f"- machine: {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB RAM,"
        f" {_system()}, load {os.getloadavg()[2]:.1f}",
        f"- Python {platform.python_version()}, PostgreSQL {postgres_version}, Odoo 19.0",
    ]


def _git(*arguments):
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()


def _changes():
    return " with changes" if _git("status", "--porcelain", "--untracked-files=no") else ""


def _processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def _system():
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
