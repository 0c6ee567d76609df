"""The programs of the profile `dist`, for each platform that this machine can build for."""

import os
import shutil
import subprocess
from pathlib import Path

from said import missing, run, say

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICES = ["producer-emulator", "crawler", "data-loader", "model-prepare", "model-application"]
# The quickstart's program is hedonic.
PACKAGES = [*SERVICES, "quickstart"]
PROGRAMS = [*SERVICES, "hedonic"]
FEATURES = ["model-application/s3", "model-prepare/s3"]
# A C compiler for the other platform, as Debian names it.
CROSS = {"aarch64": "aarch64-linux-gnu-gcc", "x86_64": "x86_64-linux-gnu-gcc"}


def environment(platform, is_other):
    """What keeps the machine out of the bytes, and what cross-compiling needs."""
    home = Path.home()
    flags = [
        f"--remap-path-prefix={ROOT}=/hedonic",
        f"--remap-path-prefix={os.environ.get('CARGO_HOME', home / '.cargo')}=/cargo",
    ]
    result = {
        **os.environ,
        "CARGO_INCREMENTAL": "0",
        "SOURCE_DATE_EPOCH": run(["git", "log", "-1", "--format=%ct"]).strip(),
    }
    # As .cargo/config.toml has it, and without the machine's paths.
    homes = ((ROOT, "/hedonic"), (os.environ.get("CARGO_HOME", home / ".cargo"), "/cargo"))
    result["CFLAGS"] = " ".join(["-g0 -O2", *(f"-ffile-prefix-map={here}={there}" for here, there in homes)])
    triple = f"{platform}_unknown_linux_gnu".upper()
    result[f"CARGO_TARGET_{triple}_RUSTFLAGS"] = " ".join(flags)
    if is_other:
        compiler = CROSS[platform]
        result[f"CARGO_TARGET_{triple}_LINKER"] = compiler
        result[f"CC_{platform}_unknown_linux_gnu"] = compiler
        result[f"CXX_{platform}_unknown_linux_gnu"] = compiler.replace("gcc", "g++")
    return result


def can_build(platform):
    """Why not, where it cannot."""
    installed = (
        subprocess.run(["rustup", "target", "list", "--installed"], stdout=subprocess.PIPE, text=True).stdout
        if shutil.which("rustup")
        else ""
    )
    if f"{platform}-unknown-linux-gnu" not in installed.split():
        return f"`rustup target add {platform}-unknown-linux-gnu` first"
    if not shutil.which(CROSS[platform]):
        return f"no {CROSS[platform]} (Debian: gcc-{platform.replace('_', '-')}-linux-gnu and g++-{platform.replace('_', '-')}-linux-gnu)"
    return None


def expected_line(program, version, commit):
    """What `--version` prints of an optimised program: it does not know its profile."""
    return f"{program} {version} (commit {commit[:7]}, release)"


def check(folder, version, unfinished):
    """Ends the release unless the programs in `folder` are there, and of this version and commit."""
    commit = run(["git", "rev-parse", "HEAD"]).strip()
    for program in PROGRAMS:
        path = folder / program
        if not os.access(path, os.X_OK) or not path.is_file():
            raise SystemExit(f"{path}: expected a program, found none: leave --programs out to build all")
        found = run([path, "--version"]).strip()
        expected = expected_line(program, version, commit)
        if found != expected and not unfinished:
            raise SystemExit(
                f"{path}: expected `{expected}`, found `{found}`: build it again, or give --unfinished to try"
            )


def build():
    """Folders with the programs, by platform."""
    native = os.uname().machine
    folders = {}
    for platform in ("x86_64", "aarch64"):
        if platform != native:
            why = can_build(platform)
            if why:
                missing(f"programs for {platform}", why)
                continue
        triple = f"{platform}-unknown-linux-gnu"
        say(f"building for {platform} (dist): some 30 minutes of processor time")
        command = [
            "cargo",
            "build",
            "--profile",
            "dist",
            "--locked",
            "--target",
            triple,
            "--features",
            ",".join(FEATURES),
        ]
        for package in PACKAGES:
            command += ["-p", package]
        done = subprocess.run(command, cwd=ROOT, env=environment(platform, platform != native))
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        folders[platform] = target / triple / "dist"
    return folders
