"""What the operating system shows others of the process. THREATS: class 40."""

import os
import resource
import shutil
import tempfile
import unittest

from harness import BINARY, Process

NOBODY = 65534


def soft_core_limit(pid):
    with open(f"/proc/{pid}/limits") as limits:
        return next(line for line in limits if line.startswith("Max core file size")).split()[4]


def owner_of_memory(pid):
    """Root, whoever's the process is, where nobody may look inside (proc(5), /proc/PID; prctl(2), PR_SET_DUMPABLE)."""
    return os.stat(f"/proc/{pid}/environ").st_uid


class Protection(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="deputy-process-")
        self.addCleanup(shutil.rmtree, self.folder)

    def allow_cores(self):
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        if hard == 0:
            self.skipTest("core dumps are forbidden here already")
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    def started(self, program, *arguments):
        """A process of another user's where that can be, so that root's own ownership does not hide the difference."""
        other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        process = Process([program, *arguments], folder="/", **other)
        self.addCleanup(process.end)
        return process

    def deputy(self):
        copy = os.path.join(self.folder, "deputy")
        shutil.copyfile(BINARY, copy)
        os.chmod(copy, 0o755)
        os.chmod(self.folder, 0o711)
        process = self.started(copy, "sandbox", "--listen", "127.0.0.1:0")
        process.wait_for("listening on")
        return process.process.pid

    def test_leaves_no_core_however_it_ends(self):
        self.allow_cores()
        ordinary = self.started("/bin/sleep", "60").process.pid
        self.assertNotEqual(soft_core_limit(ordinary), "0")
        self.assertEqual(soft_core_limit(self.deputy()), "0")

    def test_nobody_but_root_looks_into_its_memory(self):
        ordinary = self.started("/bin/sleep", "60").process.pid
        self.assertEqual(owner_of_memory(ordinary), NOBODY if os.geteuid() == 0 else os.geteuid())
        self.assertEqual(owner_of_memory(self.deputy()), 0)


if __name__ == "__main__":
    unittest.main()
