"""Images of the services without a container engine and without a registry: Debian from debootstrap, a program above it.

They are made of the same parts as those of the Dockerfile (bookworm, ca-certificates, libssl3, user 10001, the
program in /usr/local/bin), and not by it."""

import hashlib
import io
import json
import shutil
import tarfile

import tools
from places import CACHE

REGISTRY, TAG = "hedonic.local/trial", "trial"
# What keeps a pod's network namespace: any program that stays.
PAUSE = f"{REGISTRY}/pause:{TAG}"
PROGRAMS = ["data-loader", "model-application", "model-prepare", "producer-emulator"]
USER = 10001
PACKAGES = "ca-certificates,libssl3"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base():
    """The lowest layer; made once."""
    layer = CACHE / "node/bookworm.tar"
    if not layer.exists():
        tree = CACHE / "node/bookworm"
        shutil.rmtree(tree, ignore_errors=True)
        tree.parent.mkdir(parents=True, exist_ok=True)
        tools.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", tree])
        whole = layer.with_suffix(".part")
        without = ["./var/cache/apt", "./var/lib/apt/lists", "./usr/share/doc", "./usr/share/man", "./usr/share/locale"]
        excluded = [f"--exclude={folder}/*" for folder in without]
        tools.run(["tar", "--numeric-owner", *excluded, "-C", tree, "-cf", whole, "."])
        shutil.rmtree(tree)
        whole.rename(layer)
    return layer


def archive(programs, path):
    """Writes all images into one file, as `docker save` does, which shares the lowest layer."""
    lowest = base()
    with tarfile.open(path, "w") as packed:
        packed.add(lowest, "base.tar")
        digests, images = {"base.tar": digest(lowest)}, []
        for program in PROGRAMS:
            layer = path.with_name(f"{program}.tar")
            above(programs / program, layer)
            packed.add(layer, layer.name)
            digests[layer.name] = digest(layer)
            layer.unlink()
            images.append((f"{REGISTRY}/hedonic-{program}:{TAG}", ["base.tar", layer.name], [f"/usr/local/bin/{program}"]))
        images.append((PAUSE, ["base.tar"], ["/bin/sleep", "infinity"]))
        manifest = []
        for name, layers, entrypoint in images:
            config = json.dumps({
                "architecture": "amd64", "os": "linux",
                "config": {"Env": [PATH], "Entrypoint": entrypoint, "User": f"{USER}:{USER}", "StopSignal": "SIGTERM"},
                "rootfs": {"type": "layers", "diff_ids": [digests[layer] for layer in layers]},
            }).encode()  # fmt: skip
            inside = hashlib.sha256(config).hexdigest() + ".json"
            add(packed, inside, config)
            manifest.append({"Config": inside, "RepoTags": [name], "Layers": layers})
        add(packed, "manifest.json", json.dumps(manifest).encode())


def above(program, path):
    """A layer with the program, and the folder of model versions, which belongs to the user."""
    with tarfile.open(path, "w") as layer:
        for name, owner in (("var/lib/hedonic", USER), ("var/lib/hedonic/models", USER)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o755, owner, owner
            layer.addfile(folder)
        file = tarfile.TarInfo(f"usr/local/bin/{program.name}")
        file.size, file.mode = program.stat().st_size, 0o755
        with open(program, "rb") as content:
            layer.addfile(file, content)


def add(packed, name, content):
    file = tarfile.TarInfo(name)
    file.size, file.mode = len(content), 0o644
    packed.addfile(file, io.BytesIO(content))


def digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
