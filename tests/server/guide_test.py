"""README's way to the first credentials, followed word for word, against the accounts of docs/sandbox.md."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import BINARY, Process

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
STATUS = "the-status-is"
# What stands where a reader puts in what was printed before.
PLACEHOLDERS = {"dpk_admin_…": r"dpk_admin_\w+", "dpk_workload_…": r"dpk_workload_\w+", "ten_…": r"ten_\w+", "con_…": r"con_\w+",
                "arn:aws:iam::…:role/…": r"arn:aws:iam::\d{12}:role/\S+"}


def blocks(document, heading):
    """The shell blocks under a heading, each a list of commands: a line, or a here-document with its lines."""
    with open(os.path.join(SOURCE, document)) as file:
        section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", file.read(), re.S | re.M).group(1)
    for indent, text in re.findall(r"^( *)```sh\n(.*?)^ *```$", section, re.S | re.M):
        lines = [line.removeprefix(indent) for line in text.splitlines()]
        commands = []
        while lines:
            command = [lines.pop(0)]
            while "<<'END'" in command[0] and command[-1] != "END":
                command.append(lines.pop(0))
            commands.append("\n".join(command))
        yield commands


class Terminal:
    """A shell that keeps its folder and its variables from one command to the next."""

    def __init__(self, folder, environment):
        self.shell = Process(["bash"], environment, folder, stdin=subprocess.PIPE, start_new_session=True)
        self.told = 0

    def type(self, command):
        self.shell.process.stdin.write(command + "\n")
        self.shell.process.stdin.flush()

    def run(self, command):
        """Returns what the command printed; it must succeed."""
        before = len(self.shell.output())
        self.told += 1
        self.type(command + f"\necho {STATUS} {self.told} $?")
        status = self.shell.wait_for(rf"^{STATUS} {self.told} (\d+)$", 60).group(1)
        printed = self.shell.output()[before:]
        if status != "0":
            raise AssertionError(f"{command}\nended with {status}:\n{printed}")
        return printed

    def close(self):
        try:
            os.killpg(self.shell.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.shell.process.stdin.close()
        self.shell.end()


class Guide(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="deputy-guide-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.mkdir(os.path.join(self.folder, "build"))
        os.symlink(os.path.dirname(BINARY), os.path.join(self.folder, "build", "release"))
        editor = os.path.join(self.folder, "editor")
        with open(editor, "w") as file:
            file.write('#!/bin/sh\nsed -i \'s/^# region = /region = /; s/:8180"/:0"/\' "$1"\n')
        os.chmod(editor, 0o700)
        # Where the guide names a port, the system chooses one here; its folder is this test's own.
        self.here = {"/var/lib/deputy": os.path.join(self.folder, "service"), "--seed seed.json": "--seed seed.json --listen 127.0.0.1:0",
                     "aws logs ": "aws --endpoint-url http://127.0.0.1:4566 logs "}
        self.environment = {"HOME": self.folder, "PATH": "/usr/bin:/bin", "EDITOR": editor, "LANG": "C.UTF-8",
                            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}
        self.printed = ""

    def terminal(self):
        opened = Terminal(self.folder, self.environment)
        self.addCleanup(opened.close)
        return opened

    def as_read(self, command):
        for name, value in self.here.items():
            command = command.replace(name, value)
        for placeholder, pattern in PLACEHOLDERS.items():
            if placeholder in command:
                found = re.findall(pattern, self.printed)
                self.assertTrue(found, f"nothing was printed for {placeholder} in: {command}")
                command = command.replace(placeholder, found[-1])
        return command

    def run_in(self, terminal, command):
        self.printed += terminal.run(self.as_read(command))

    def start(self, terminal, command, pattern):
        terminal.type(self.as_read(command))
        return terminal.shell.wait_for(pattern).group(1)

    def test_word_for_word(self):
        (make_seed, serve_sandbox), as_partner, as_acme = blocks("docs/sandbox.md", "The README's steps against it")
        set_up, say, connect, use = blocks("README.md", "Connect a real account")
        sandbox, service, reader = self.terminal(), self.terminal(), self.terminal()
        sandbox.run(set_up[0])
        sandbox.run(make_seed)
        url = self.start(sandbox, serve_sandbox, r"sandbox listening on (http://\S+)")
        self.here["http://127.0.0.1:4566"] = url

        for command in set_up[:-1]:
            self.run_in(service, command)
        for command in as_partner:
            self.run_in(service, command)
        port = self.start(service, set_up[-1], r"listening on 127\.0\.0\.1:(\d+)")
        self.here["http://127.0.0.1:8180"] = "http://127.0.0.1:" + port

        for command in [set_up[0], *say]:
            self.run_in(reader, command)
        for command in connect:
            if "set-role" in command:
                for administrators in as_acme:
                    self.run_in(reader, administrators)
            self.run_in(reader, command)
        self.assertRegex(self.printed, r"state: (verifying|active)")
        self.run_in(reader, 'for i in $(seq 100); do deputy connection show con_… | grep -q "^state: active" && break; sleep 0.1; done')
        for command in use:
            self.run_in(reader, command)
        self.assertIn("/acme/webshop", self.printed.split("dpk_workload_")[-1])


if __name__ == "__main__":
    unittest.main()
