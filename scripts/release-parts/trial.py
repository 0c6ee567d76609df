"""A release tried from its files alone, where there is no Rust: in a fresh Debian where one can be made, else in an
empty folder with an empty environment."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from said import missing, run, say

ROWS = 400


def listings():
    """Listings with a price that follows from them, as CSV."""
    lines = ["id,listed_at,city,street,floor,rooms,area,price"]
    for number in range(ROWS):
        city, rooms, floor = ("Kazan", "Tver", "Omsk")[number % 3], 1 + number % 4, 1 + number % 9
        area = 20 + 15 * rooms + number % 7
        price = 60_000 * area * (1 + 0.3 * (number % 3)) + 10_000 * floor + 1_000 * (number % 11)
        # Every month has every city: what is true of the newest rows is true of all.
        day = f"2026-0{1 + number // 3 % 6}-{1 + number % 28:02}T00:00:00Z"
        lines.append(f"{number},{day},{city},Street {number % 5},{floor},{rooms},{area},{price:.0f}")
    return "\n".join(lines) + "\n"


# What is run: all programs start, a model is fitted, a price is requested. $1 is the archive's folder.
SCRIPT = """set -eu
cd "$1"
if command -v cargo || command -v rustc; then echo 'Rust is here: this proves nothing' >&2; exit 1; fi
for program in bin/*; do $program --version; done
bin/model-prepare --data ../listings.csv --registry ../models >../fit.txt
bin/model-prepare versions --registry ../models
echo '{"id":1,"city":"Kazan","street":"Street 1","floor":3,"rooms":2,"area":50}' \
  | bin/model-prepare price --registry ../models
"""

# Both programs have S3: they refuse the address, and not buckets.
BUCKET = """cd "$1"
for program in "model-prepare versions" "model-application --serve-only"; do
  if HEDONIC__REGISTRY__BUCKET=models bin/$program >../bucket.txt 2>&1 ||
    ! grep -q 'expected s3://BUCKET' ../bucket.txt; then
    echo "$program with a wrong bucket: expected an error about its address, got:" >&2; cat ../bucket.txt >&2; exit 1
  fi
done
"""

# Where PostgreSQL's programs are: the whole suite, on the embedded broker.
QUICKSTART = """set -eu
cd "$1"
bin/hedonic --data-dir ../data --stop-after 50 --timeout-s 240 --json
"""

# Into the folder that follows, in a namespace of mounts that ends with what runs there: nothing of this machine is
# mounted into a folder that is deleted afterwards.
ENTER = [
    "unshare", "--mount", "--propagation", "private", "sh", "-euc",
    'mount -t proc proc "$0/proc"; mkdir -p "$0/dev/shm"; mount -t tmpfs tmpfs "$0/dev/shm"; exec chroot "$0" "$@"',
]  # fmt: skip


def debian(home):
    """A fresh Debian with PostgreSQL and nothing else; None where it cannot be made."""
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        return None
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates,postgresql,zlib1g", "bookworm", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode != 0:
        missing("a trial in a fresh Debian", f"debootstrap: {made.stdout[-300:]}")
        return None
    return home


def check(out, version):
    platform = os.uname().machine
    archive = out / f"hedonic-{version}-linux-{platform}.tar.gz"
    run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out)
    with tempfile.TemporaryDirectory(prefix="hedonic-trial-") as home:
        os.chmod(home, 0o755)
        root = debian(Path(home) / "debian")
        place = (root or Path(home)) / "opt"
        place.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
        (place / "listings.csv").write_text(listings())
        folder = archive.name.removesuffix(".tar.gz")
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent", "LC_ALL=C"]

        def within(script):
            if root:
                inside = [*ENTER, str(root), *environment, "sh", "-c", script, "sh", f"/opt/{folder}"]
            else:
                inside = [*environment, "sh", "-c", script, "sh", str(place / folder)]
            return run(inside)

        told = within(SCRIPT).strip()
        if '"prediction"' not in told.splitlines()[-1]:
            raise SystemExit(f"expected a price, got:\n{told}")
        where = "a fresh Debian 12 without Rust" if root else "an empty folder with an empty environment"
        say(f"tried in {where}: {told.splitlines()[-1]}")
        within(BUCKET)
        if root:
            told = within(QUICKSTART).strip()
            say(f"the quickstart there: {told.splitlines()[-1][:300]}")
        else:
            missing("a trial of the quickstart", "no fresh Debian (debootstrap as root)")
    chart(out / f"hedonic-chart-{version}.tgz")


def chart(archive):
    """Helm takes the packed chart, where its library can be had."""
    import sys

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "deploy-parts"))
    import tools

    python = tools.venv_python()
    code = "import sys; from helm_python import Chart; c = Chart.load(sys.argv[1]); print(c.name, c.version)"
    say(f"the packed chart loads: {run([python, '-c', code, archive]).strip()}")
