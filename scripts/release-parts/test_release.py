"""What a release refuses, and what it replaces. Run by `python3 -m unittest discover -s scripts/release-parts`."""

import os
import shutil
import stat
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import images  # noqa: E402
import pack  # noqa: E402
import programs  # noqa: E402
import version as versions  # noqa: E402
from said import run  # noqa: E402

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)

    def refused(self, expected, function, *arguments, **options):
        with self.assertRaises(SystemExit) as ended:
            function(*arguments, **options)
        self.assertIn(expected, str(ended.exception))


class Places(InFolder):
    def release(self, name, text):
        folder = self.home / name
        folder.mkdir()
        (folder / "IMAGES").write_text(text)
        pack.checksums(folder)
        return folder

    def test_an_earlier_release_is_replaced(self):
        out = self.release("out", "old")
        pack.publish(self.release("staged", "new"), out)
        self.assertEqual((out / "IMAGES").read_text(), "new")
        self.assertFalse((self.home / "staged").exists())

    def test_a_folder_that_is_empty_or_missing_is_taken(self):
        pack.publish(self.release("one", "1"), self.home / "absent")
        (self.home / "empty").mkdir()
        pack.publish(self.release("two", "2"), self.home / "empty")
        self.assertEqual((self.home / "empty/IMAGES").read_text(), "2")

    def test_other_files_are_never_deleted(self):
        out = self.release("out", "old")
        (out / "thesis.txt").write_text("mine")
        self.refused("thesis.txt: give another --out", pack.replaceable, out)
        self.refused("thesis.txt", pack.publish, self.release("staged", "new"), out)
        self.assertEqual((out / "thesis.txt").read_text(), "mine")
        self.refused("thesis.txt", pack.replaceable, out / "thesis.txt")


class Programs(InFolder):
    def setUp(self):
        super().setUp()
        replaced = mock.patch.object(programs, "run", lambda command: COMMIT if command[0] == "git" else run(command))
        replaced.start()
        self.addCleanup(replaced.stop)
        for name in programs.PROGRAMS:
            self.program(name, f"{name} 1.2.3 (commit 0123456, release)")

    def program(self, name, line):
        path = self.home / name
        path.write_text(f"#!/bin/sh\necho '{line}'\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def test_programs_of_this_commit_are_taken(self):
        programs.check(self.home, "1.2.3", False)

    def test_programs_of_another_commit_version_or_profile_are_refused(self):
        for line in ("1.2.3 (commit fedcba9, release)", "1.2.2 (commit 0123456, release)", "1.2.3 (commit 0123456, debug)"):
            self.program("crawler", f"crawler {line}")
            self.refused(f"found `crawler {line}`", programs.check, self.home, "1.2.3", False)
            programs.check(self.home, "1.2.3", True)

    def test_a_missing_program_is_named(self):
        os.remove(self.home / "hedonic")
        self.refused("hedonic: expected a program, found none", programs.check, self.home, "1.2.3", True)


class Versions(InFolder):
    def test_a_version_has_three_numbers_and_is_the_same_everywhere(self):
        for wrong in ("1.2", "v1.2.3", "01.2.3", "1.2.3 "):
            self.refused("expected a semantic version", versions.check, wrong, True)
        self.refused("Cargo.toml says", versions.check, "99.0.0", True)


class Archives(InFolder):
    def test_the_same_entries_give_the_same_bytes(self):
        entries = [("b", b"2", 0o644), ("a", b"1", 0o755)]
        pack.archive(self.home / "one.tar.gz", entries, 1_700_000_000)
        pack.archive(self.home / "two.tar.gz", entries[::-1], 1_700_000_000)
        self.assertEqual(pack.digest(self.home / "one.tar.gz"), pack.digest(self.home / "two.tar.gz"))


class Images(InFolder):
    def test_the_dockerfile_has_a_target_and_features_for_each_service(self):
        dockerfile = (programs.ROOT / "Dockerfile").read_text()
        for service in programs.SERVICES:
            self.assertIn(f"FROM service AS {service}\n", dockerfile)
            for tried in images.FEATURES[service][1]:
                feature = "s3" if tried == images.BUCKET else "kafka-tls"
                self.assertIn(f"{service}/{feature}", dockerfile)

    @unittest.skipUnless(shutil.which("cargo"), "cargo is not on the PATH")
    def test_manifests_are_complete_in_the_layer_of_dependencies(self):
        # As .dockerignore leaves it: without `*/tests`.
        for name in run(["git", "ls-files", "*.rs", "*.toml", "Cargo.lock"], cwd=programs.ROOT).splitlines():
            if "tests" not in Path(name).parts[1:2]:
                (self.home / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(programs.ROOT / name, self.home / name)
        emptied = (programs.ROOT / "Dockerfile").read_text().split("AS manifests\nCOPY . .\nRUN ")[1].split("\n\n")[0]
        (self.home / "rust-toolchain.toml").unlink()
        run(["sh", "-c", emptied], cwd=self.home)
        self.assertFalse((self.home / "common/src/config.rs").exists())
        # Reads all manifests, and then has nothing to build.
        command = ["cargo", "build", "--locked", "--package", "no-such-package"]
        self.refused("`no-such-package` did not match", run, command, cwd=self.home)

    def test_compose_builds_every_service_on_the_images_of_env(self):
        compose = (programs.ROOT / "docker-compose.yaml").read_text()
        builds = [line.strip() for line in compose.splitlines() if line.strip().startswith("build:")]
        self.assertEqual([line for line in builds if "<<: *build" not in line], [])
        for service in programs.SERVICES:
            self.assertTrue(any(f"target: {service} }}" in line for line in builds), service)

    def test_settings_of_compose_are_no_change_of_the_tree(self):
        for name in (".env", "docker-compose.override.yaml"):
            self.assertEqual(run(["git", "check-ignore", name], cwd=programs.ROOT).strip(), name)

    def test_without_an_engine_a_release_has_no_images(self):
        with mock.patch.object(images.shutil, "which", return_value=None):
            self.assertIsNone(images.build("1.2.3"))


if __name__ == "__main__":
    unittest.main()
