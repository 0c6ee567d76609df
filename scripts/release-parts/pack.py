"""Archives that are the same bytes whoever packs them."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from programs import PROGRAMS
from said import run, say

ROOT = Path(__file__).resolve().parent.parent.parent
# Beside the programs.
FILES = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "init.sql",
    "config",
    "schemas",
    "docs",
]
CHART = "deploy/helm/hedonic"


def tracked(*paths):
    """Files that git knows, sorted: nothing that lies about gets into a release."""
    return sorted(run(["git", "ls-files", "-z", "--", *paths]).split("\0")[:-1])


def archive(to, entries, epoch):
    """(name in the archive, bytes, mode), sorted, with one time and no user."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, mode in sorted(entries):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), mode, epoch
            tar.addfile(entry, io.BytesIO(content))
    with open(to, "wb") as file:
        # Neither a name nor a time in the header, as by gzip -n.
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as zipped:
            zipped.write(packed.getvalue())


def stripped(program):
    """Without symbols, some of whose names are made from the folder of the build, and without the digest of them; a
    program of a foreign platform as it is."""
    command = ["strip", "--strip-all", "--remove-section=.note.gnu.build-id"]
    with tempfile.NamedTemporaryFile() as to:
        done = subprocess.run([*command, "-o", to.name, str(program)], stderr=subprocess.DEVNULL)
        return Path(to.name if done.returncode == 0 else program).read_bytes()


def programs(to, version, folder, epoch):
    top = to.name.removesuffix(".tar.gz")
    entries = []
    for program in PROGRAMS:
        path = folder / program
        if not path.is_file():
            raise SystemExit(f"{path}: expected the program, found none")
        entries.append((f"{top}/bin/{program}", stripped(path), 0o755))
    for name in tracked(*FILES):
        entries.append((f"{top}/{name}", (ROOT / name).read_bytes(), 0o644))
    archive(to, entries, epoch)
    say(f"{to.name}: {len(PROGRAMS)} programs and {len(entries) - len(PROGRAMS)} files")


def chart(to, epoch):
    entries = []
    for name in tracked(CHART):
        inside = Path(name).relative_to(CHART)
        # As .helmignore says.
        if inside.parts[0] != "ci":
            entries.append((f"hedonic/{inside}", (ROOT / name).read_bytes(), 0o644))
    archive(to, entries, epoch)


def wheels(out, project, epoch):
    """The Python package, by the build that its own project names."""
    run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", out, project],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
    )


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checksums(out):
    lines = [f"{digest(path)}  {path.name}\n" for path in sorted(out.iterdir()) if path.name != "SHA256SUMS"]
    (out / "SHA256SUMS").write_text("".join(lines))


def replaceable(out):
    """Ends the release if `out` holds anything but an earlier release: nothing else is deleted."""
    if not out.exists():
        return
    sums = out / "SHA256SUMS"
    listed = {line.split("  ", 1)[-1] for line in sums.read_text().splitlines()} if sums.is_file() else set()
    names = sorted(path.name for path in out.iterdir()) if out.is_dir() else [out.name]
    other = [name for name in names if name not in {*listed, sums.name}]
    if other:
        raise SystemExit(
            f"{out}: expected no folder, an empty one, or an earlier release, found {', '.join(other[:5])}: "
            "give another --out"
        )


def publish(staged, out):
    """Puts a finished release in the place of an earlier one."""
    replaceable(out)
    if out.exists():
        shutil.rmtree(out)
    staged.rename(out)


def same(one, other):
    """Twice the same bytes; images are compared by their digests elsewhere."""
    for path in sorted(other.iterdir()):
        if path.name == "SHA256SUMS":
            continue
        if digest(path) != digest(one / path.name):
            raise SystemExit(f"{path.name} is not the same when it is made again")
    say("made again: the same bytes")
