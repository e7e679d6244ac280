"""Debian packages, downloaded and unpacked into the cache without touching the system.

apt does the work (mirror, signatures, checksums, dependencies) with a state folder of our own,
so that neither root's rights nor ``apt-get update`` on the machine are needed. The address of the
mirror is the machine's own.
"""

import contextlib
import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .cached_folder import locked
from .console import SetupError, step
from .places import cache_dir
from .processes import run_logged

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT = 1800  # seconds
_CONF = """\
#clear APT::Update;
#clear DPkg::Post-Invoke;
Dir::State "{root}/state";
Dir::State::Lists "{root}/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{root}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::GzipIndexes "true";
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
"""
_DOCUMENTATION = ("./usr/share/doc", "./usr/share/locale", "./usr/share/man")
_OWN_SOURCES = """\
Dir::Etc::SourceList "{root}/sources.list";
Dir::Etc::SourceParts "/dev/null";
"""


@dataclass(frozen=True)
class Archive:
    """A view of the Debian archive with a state folder of its own.

    :param root: state folder
    :param suites: suites to read from the machine's mirror; empty = the machine's own sources
    """

    root: Path
    suites: tuple = ()

    def apt(self, *arguments, cwd=None):
        """Run ``apt-get`` on this view and return what it printed.

        :raise SetupError: it failed
        """
        log = self.root / f"{arguments[0]}.log"
        line = ["apt-get", "-qq", "-c", self.root / "apt.conf", *arguments]
        code = run_logged("apt-get", line, log, _TIMEOUT, cwd=cwd)
        text = log.read_text(errors="replace")
        if code:
            raise SetupError(f"'apt-get {arguments[0]}' failed:\n{text.strip()}")
        return text

    def prepare(self):
        """Write the configuration and fetch the package lists."""
        for folder in ("state", "lists/partial", "cache/archives/partial"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        conf = _CONF + (_OWN_SOURCES if self.suites else "")
        (self.root / "apt.conf").write_text(conf.format(root=self.root))
        if self.suites:
            (self.root / "sources.list").write_text(_source_lines(self.suites))
        with step("Reading Debian's package lists" + "".join(f" ({s})" for s in self.suites)):
            self.apt("update", "--error-on=any")

    def download(self, packages, folder):
        """Download packages (``name`` or ``name/suite``) into a folder, checked by apt."""
        self.apt("download", *packages, cwd=folder)

    def missing_for(self, packages):
        """Return the names of the packages an installation here would add."""
        plan = self.apt("install", "--simulate", "--no-install-recommends", *packages)
        return [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]


@contextlib.contextmanager
def archive(*suites):
    """Open a view of the archive, fresh lists included; one process at a time.

    :raise SetupError: this is no Debian machine, or its mirror is out of reach
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SetupError("This machine has no apt, with which packages could be fetched.")
    root = cache_dir() / "-".join(("apt", *suites))
    with locked(root):
        view = Archive(root, suites)
        view.prepare()
        yield view


def unpack(folder, target, leave_out=()):
    """Unpack every package of a folder; return name and SHA-256 of each.

    :param leave_out: tar patterns of files that are not needed
    """
    target.mkdir(parents=True, exist_ok=True)
    sums = {}
    for package in sorted(folder.glob("*.deb")):
        _unpack_one(package, target, leave_out)
        with package.open("rb") as stream:
            sums[package.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return sums


def unpack_programs(folder, *packages, not_needed=None):
    """Unpack packages with those of their dependencies that this machine lacks.

    :param not_needed: pattern of names of dependencies to leave out
    """
    with archive() as view, tempfile.TemporaryDirectory(dir=cache_dir()) as downloads:
        names = view.missing_for(packages)
        wanted = [name for name in names if not (not_needed and not_needed.search(name))]
        view.download(wanted, downloads)
        sums = unpack(Path(downloads), folder, _DOCUMENTATION)
    write_manifest(folder, sums)


def loader_path(folder):
    """Return the ``LD_LIBRARY_PATH`` for programs unpacked into a folder.

    Some packages keep private libraries one level below and know them by absolute paths.
    """
    libraries = [*folder.glob("usr/lib/*-linux-gnu*"), *folder.glob("lib/*-linux-gnu*")]
    private = {path.parent for root in libraries for path in root.glob("*/lib*.so*")}
    return ":".join(map(str, (*libraries, *sorted(private))))


def write_manifest(folder, sums):
    """Record which packages a cached folder was made from."""
    (folder / "manifest.json").write_text(json.dumps(sums, indent=2) + "\n")


def _unpack_one(package, target, leave_out):
    excludes = [f"--exclude={pattern}" for pattern in leave_out]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE
    ) as archive_stream:
        subprocess.run(
            ["tar", "-x", "--no-same-owner", "-C", target, *excludes],
            stdin=archive_stream.stdout,
            check=True,
        )
    if archive_stream.returncode:
        raise SetupError(f"{package.name} cannot be unpacked")


def _source_lines(suites):
    signed = f"signed-by={_KEYRING} " if _KEYRING.exists() else ""
    mirror = _mirror()
    return "".join(f"deb [{signed}target=Packages] {mirror} {suite} main\n" for suite in suites)


def _mirror():
    """Return the address of the mirror this machine takes Debian itself from."""
    targets = _indextargets(["apt-get"])
    if not targets:  # a fresh container image comes without package lists
        with archive() as own:
            targets = _indextargets(["apt-get", "-c", str(own.root / "apt.conf")])
    if not targets:
        raise SetupError("apt on this machine knows no mirror of Debian (apt-get indextargets).")
    return targets[0]


def _indextargets(apt):
    columns = "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)"
    done = subprocess.run(
        [*apt, "indextargets", "--format", columns], capture_output=True, text=True, check=False
    )
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return [
        row[3]
        for row in rows
        if len(row) == 4 and row[:2] == ["Debian", "Debian"] and "-" not in row[2]
    ]
