"""Run the README's two commands on bare machines: ``make machines``.

Each machine is a minimal Debian in a folder of its own (`mmdebstrap`, `chroot`; root is needed),
with Python, make and git, and a user without a home. Of this machine it sees the network, the
certificates and proxies, and a folder of wheels if pip is told of one here. A row of
``book/machines.csv`` says how one command ended there: what it returned, what it left in the tree
besides the folders that git ignores, and whether anything was written elsewhere.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from outcomes import GOOD, ROOT, Case, put

TABLE = ROOT / "book/machines.csv"
KEYS = ["machine", "command"]
MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,python3-venv,make,git,ca-certificates"
PASS = "PROXY", "PIP_", "UV_", "SSL_CERT", "CA_BUNDLE"  # parts of names of variables
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
OURS = ".venv", ".cache", "build", "*.egg-info", "__pycache__", ".ruff_cache", "node_modules"


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes
    ----------
    suite
        Of Debian.
    folder
        Where the project lies.
    git
        Whether it is a clone; or else an archive, without ``.git``.
    options
        For make, as the README says where the project cannot be written to; so it is then.
    """

    suite: str
    folder: str
    git: bool = True
    options: str = ""


MACHINES = {
    "Debian 12, a folder with spaces and accents, line ends as on Windows": Machine(
        "bookworm", "/srv/mes données à moi"
    ),
    "Debian 13, an archive without git": Machine("trixie", "/srv/archive", git=False),
    "Debian 12, a checkout that cannot be written to": Machine(
        "bookworm", "/srv/checkout", options="VENV=/tmp/venv BUILD=/tmp/build"
    ),
}


def system(suite: str, cache: Path) -> Path:
    """Return the archive of a minimal Debian, made if it is not there."""
    archive = cache / f"{suite}.tar"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = cache / f"part-{suite}.tar"
        how = ["--variant=minbase", f"--include={PACKAGES}", "--quiet"]
        subprocess.run(["mmdebstrap", *how, suite, part, MIRROR], check=True)
        part.rename(archive)
    return archive


def laid(machine: Machine, root: Path) -> Path:
    """Lay the project into a machine, as it is committed; return its folder there."""
    folder = root / machine.folder[1:]
    windows = ["-c", "core.autocrlf=true"]
    if machine.git:
        git = ["git", *windows, "clone", "-q", "--config", windows[1], ROOT, folder]
        subprocess.run(git, check=True)
    else:
        folder.mkdir(parents=True)
        git = ["git", "-C", ROOT, *windows, "archive", "HEAD"]
        archive = subprocess.run(git, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 1000, 1000, follow_symlinks=False)
    return folder


def inside(machine: Machine, root: Path, command: str) -> list[str]:
    """Return what runs a command there, as a user without a home."""
    given = {k: v for k, v in os.environ.items() if any(part in k.upper() for part in PASS)}
    given.pop("UV_CACHE_DIR", None)  # make's own, of this folder
    wheels = [w for w in given.get("PIP_FIND_LINKS", "").split() if Path(w).is_dir()]
    user = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "USER": "reader"}
    variables = shlex.join(f"{k}={v}" for k, v in {**given, **user}.items())
    at, project = shlex.quote(str(root)), shlex.quote(machine.folder)
    lines = [
        "set -e",
        f"mount -t proc proc {at}/proc",
        f"mount --rbind /dev {at}/dev",
        *(f"mkdir -p {at}{w} && mount --bind {w} {at}{w}" for w in wheels),
    ]
    if machine.options:
        lines.append(f"mount --bind {at}{project} {at}{project}")
        lines.append(f"mount -o remount,ro,bind {at}{project}")
        command = f"{command} {machine.options}"
    command = shlex.quote(f"cd {project} && {command}")
    lines.append(f"exec chroot --userspec=1000:1000 {at} env -i {variables} sh -c {command}")
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(lines)]


def tried(machine: Machine, root: Path, command: str, case: Case) -> None:
    """Run a command there, and look at what it returned and what it wrote."""
    folder = root / machine.folder[1:]
    before = files(folder)
    stamp = root / "stamp"
    stamp.touch()
    case.tries += 1
    run = subprocess.run(
        inside(machine, root, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    (ROOT / "build/machines").mkdir(parents=True, exist_ok=True)
    (ROOT / "build/machines/log").write_text(run.stdout, encoding="utf-8")
    case.say(run.stdout, Path(machine.folder))
    case.check(run.returncode == 0, "it failed")
    case.check(files(folder) == before, "it changed the project's own files")
    find = ["find", root, "-xdev", "-newer", stamp, "-user", "1000"]
    outside = subprocess.run(find, capture_output=True, encoding="utf-8").stdout.splitlines()
    allowed = f"{folder}", f"{root}/tmp", f"{root}/var/tmp", f"{root}/dev", f"{root}/proc"
    case.check(not [p for p in outside if not p.startswith(allowed)], "it wrote elsewhere")


def files(folder: Path) -> dict[str, bytes]:
    """Return what lies in the project, without what git ignores."""
    paths = [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts]
    return {
        str(p): p.read_bytes()
        for p in paths
        if not any(q.match(o) for o in OURS for q in [p, *p.relative_to(folder).parents])
    }


def main() -> int:
    """Try the commands on the machines; return 1 if one does not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only machines whose names hold one of these")
    parser.add_argument("--command", action="append", help="instead of make test and make book")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/machines")
    given, wrong = parser.parse_args(), 0
    if os.geteuid():
        parser.error("root is needed, for chroot")
    if shutil.which("mmdebstrap") is None:
        parser.error("mmdebstrap is needed: apt-get install mmdebstrap")
    for name, machine in MACHINES.items():
        if given.words and not any(word in name for word in given.words):
            continue
        with tempfile.TemporaryDirectory(prefix="machines-") as folder:
            root = Path(folder)
            unpack = ["tar", "-x", "-C", root, "-f", system(machine.suite, given.cache)]
            subprocess.run([*unpack, "--exclude=./dev/*"], check=True)
            root.chmod(0o755)
            for path in ("/etc/resolv.conf", CERTIFICATES):
                if Path(path).exists():
                    shutil.copy(path, root / path[1:])
            with (root / "etc/passwd").open("a", encoding="utf-8") as file:
                file.write("reader:x:1000:1000::/nonexistent:/bin/sh\n")
            laid(machine, root)
            for command in given.command or ["make test", "make book"]:
                case = Case(machine=name, command=command)
                tried(machine, root, command, case)
                wrong += case.row()["outcome"] != GOOD
                row = {k: v for k, v in case.row().items() if k not in ("tries", "next runs")}
                put(TABLE, row, KEYS, [(name,) for name in MACHINES])
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
