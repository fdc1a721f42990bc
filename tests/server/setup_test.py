"""Setting Deputy up and trying it: `init`, `config check`, `demo`, and what keeps a process's secrets to itself."""

import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from harness import BINARY, Deputy, Process, Sandbox


class Setup(unittest.TestCase):
    """An installation that nobody serves yet."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="deputy-setup-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sandbox = type("NoSandbox", (), {"url": "http://127.0.0.1:1"})()
        self.deputy = Deputy(self.folder, self.sandbox)

    def path(self, name):
        return os.path.join(self.deputy.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def init(self):
        return self.deputy.command("init", "--dir", self.deputy.folder)

    def check(self):
        return self.deputy.command("config", "check")

    def test_a_key_that_nobody_saw_is_not_left_behind(self):
        new = os.path.join(self.folder, "new")
        for shell in ('exec "$0" init --dir "$1" > /dev/full', 'exec "$0" init --dir "$1" >&-'):
            lost = subprocess.run(["sh", "-c", shell, BINARY, new], capture_output=True, text=True, timeout=60)
            self.assertEqual(lost.returncode, 1, lost.stderr)
            self.assertIn("standard output cannot be written", lost.stderr)
            self.assertIn("nothing was made", lost.stderr)
            self.assertFalse(os.path.exists(new))
        os.mkdir(new)  # a folder that was there stays, empty
        subprocess.run(["sh", "-c", 'exec "$0" init --dir "$1" > /dev/full', BINARY, new], capture_output=True, timeout=60)
        self.assertEqual(os.listdir(new), [])

    def test_a_missing_or_empty_database_alone_is_made_anew(self):
        key, config = self.read("master.key"), self.read("deputy.toml")
        for make_it_so in (os.remove, lambda path: open(path, "w").close()):
            make_it_so(self.path("deputy.db"))
            checked = self.check()
            self.assertEqual(checked.returncode, 1, checked.stdout)
            self.assertIn("`deputy init`", checked.stdout)
            lost = subprocess.run(["sh", "-c", 'exec "$0" init --dir "$1" > /dev/full', BINARY, self.deputy.folder], capture_output=True, timeout=60)
            self.assertEqual(lost.returncode, 1)
            made = self.init()
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertRegex(made.stdout, r"^dpk_admin_\w+\n$")
            self.assertIn("backup", made.stderr)
            self.assertEqual((self.read("master.key"), self.read("deputy.toml")), (key, config))
            self.assertEqual(os.stat(self.path("deputy.db")).st_mode & 0o777, 0o600)
            self.assertEqual(self.deputy.command("journal", "verify").returncode, 0)
            self.assertEqual(self.check().returncode, 0)
            self.assertEqual(self.init().returncode, 2)

    def test_the_database_is_made_where_the_configuration_says(self):
        with open(self.path("deputy.toml")) as file:
            text = file.read()
        with open(self.path("deputy.toml"), "w") as file:
            file.write(text.replace("sqlite:deputy.db", "sqlite:elsewhere.db"))
        before = self.read("deputy.db")
        self.assertEqual(self.init().returncode, 0)
        self.assertTrue(self.read("elsewhere.db"))
        self.assertEqual(self.read("deputy.db"), before)

    def test_what_is_left_of_a_database_is_not_thrown_away(self):
        os.remove(self.path("deputy.db"))
        with open(self.path("deputy.db-wal"), "w") as file:
            file.write("pages of the database that was here")
        refused = self.init()
        self.assertEqual(refused.returncode, 2)
        self.assertIn("deputy.db-wal", refused.stderr)
        self.assertFalse(os.path.exists(self.path("deputy.db")))

    def test_without_the_key_nothing_is_made(self):
        os.remove(self.path("master.key"))
        os.remove(self.path("deputy.db"))
        refused = self.init()
        self.assertEqual(refused.returncode, 2)
        self.assertIn("Restore the key", refused.stderr)
        self.assertEqual(os.listdir(self.deputy.folder), ["deputy.toml"])

    def test_config_check_tells_that_others_can_listen_in(self):
        told = r"(?m)^note: 0\.0\.0\.0 is no loopback address and `server\.tls_cert_file` is not set"
        self.assertNotRegex(self.check().stdout, "loopback")
        exposed = subprocess.run([BINARY, "config", "check"], env=self.deputy.environment(DEPUTY_SERVER__LISTEN="0.0.0.0:8180"), cwd=self.deputy.folder,
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual(exposed.returncode, 0, exposed.stdout)
        self.assertRegex(exposed.stdout, told)

    def test_config_check_looks_at_the_database(self):
        self.assertEqual(self.check().returncode, 0)
        with sqlite3.connect(self.path("deputy.db")) as database:
            schema = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version = {schema + 1}")
        database.close()
        newer = self.check()
        self.assertEqual(newer.returncode, 1)
        self.assertIn("newer", newer.stdout)
        with open(self.path("deputy.db"), "wb") as file:
            file.write(b"no database at all, but long enough to be taken for one" * 100)
        self.assertEqual(self.check().returncode, 1)
        os.remove(self.path("deputy.db"))
        os.mkdir(self.path("deputy.db"))
        self.assertIn("not a regular file", self.check().stdout)

    def test_what_is_no_file_is_told_and_does_not_hang(self):
        for command in (["config", "check"], ["serve"]):
            folder = self.deputy.command(*command, "--config", "/etc")
            self.assertEqual(folder.returncode, 2)
            self.assertIn("/etc: this is a folder", folder.stdout + folder.stderr)
        os.remove(self.path("master.key"))
        os.mkfifo(self.path("master.key"), 0o600)
        for command in (["config", "check"], ["serve"]):
            pipe = self.deputy.command(*command)
            self.assertNotEqual(pipe.returncode, 0)
            self.assertIn("not a regular file", pipe.stdout + pipe.stderr)

    def test_what_init_makes_is_for_its_owner_alone(self):
        made = os.path.join(self.folder, "made")
        subprocess.run(["sh", "-c", 'umask 000; exec "$0" init --dir "$1"', BINARY, made], capture_output=True, check=True, timeout=60)
        self.assertEqual({name: os.stat(os.path.join(made, name)).st_mode & 0o777 for name in os.listdir(made)},
                         {"deputy.toml": 0o600, "master.key": 0o600, "deputy.db": 0o600})


class Secrets(unittest.TestCase):
    def test_no_other_process_of_the_user_looks_inside(self):
        with tempfile.TemporaryDirectory() as folder:
            sandbox = Sandbox(folder)
            self.addCleanup(sandbox.process.end)
            process = f"/proc/{sandbox.process.process.pid}"
            # Of a process that may not be dumped the kernel gives memory and environment to root alone (proc(5)).
            self.assertEqual(os.stat(process + "/environ").st_uid, 0)
            with open(process + "/limits") as limits:
                self.assertRegex(limits.read(), r"(?m)^Max core file size +0 +0 ")
            if os.geteuid() != 0:
                self.assertRaises(PermissionError, open, process + "/environ")
                return
            # Root may look; a user to whom the process belongs may not.
            os.chmod(folder, 0o755)
            binary = shutil.copy(BINARY, folder)
            nobody = subprocess.Popen([binary, "sandbox", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, user=65534, group=65534,
                                      extra_groups=[])
            self.addCleanup(nobody.stdout.close)
            self.addCleanup(nobody.wait)
            self.addCleanup(nobody.terminate)
            self.assertIn("listening", nobody.stdout.readline())
            for file in ("environ", "maps"):
                self.assertEqual(os.stat(f"/proc/{nobody.pid}/{file}").st_uid, 0)
                looked = subprocess.run(["cat", f"/proc/{nobody.pid}/{file}"], user=65534, group=65534, extra_groups=[], capture_output=True)
                self.assertNotEqual(looked.returncode, 0)
                self.assertEqual(looked.stdout, b"")


class Demo(unittest.TestCase):
    def test_the_story_comes_out_as_told(self):
        told = subprocess.run([BINARY, "demo", "--exit"], capture_output=True, text=True, timeout=30)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertNotIn("\x1b", told.stdout)
        for line in ("external_id_not_settable", "the connection is rejected", "the connection is suspended", "word for word", "acme-invoices",
                     "POST /checkout 500", "deputy logs tail --tenant ten_", "/acme/webshop  POST /checkout 200 87ms", "deputy logs search --tenant ten_",
                     "/acme/webshop  POST /checkout 502 payment provider refused", "in Acme's searches alone", "the rotation is over", "Every step came out as told."):
            self.assertIn(line, told.stdout)

    def on_a_terminal(self, **environment):
        """What a terminal gets of the whole story."""
        ours, its = pty.openpty()
        clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        told = subprocess.Popen([BINARY, "demo", "--exit"], stdin=its, stdout=its, stderr=its, env={**clean, "TERM": "xterm", **environment})
        os.close(its)
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        self.assertEqual(told.wait(timeout=30), 0, text.decode())
        return text.decode()

    def test_a_terminal_gets_colour_unless_it_wants_none(self):
        coloured = self.on_a_terminal()
        self.assertIn("\x1b[32m←", coloured)
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            plain = self.on_a_terminal(**environment)
            self.assertNotIn("\x1b", plain)
            self.assertIn("Every step came out as told.", plain)
        self.assertEqual(len(re.findall("→", coloured)), len(re.findall("→", plain)))

    def test_a_story_that_nobody_could_read_did_not_go_well(self):
        with open("/dev/full", "w") as full:
            lost = subprocess.run([BINARY, "demo", "--exit"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(lost.returncode, 3)
        self.assertIn("standard output cannot be written", lost.stderr)

    def test_without_a_folder_it_says_which_one_cannot_be_written(self):
        told = subprocess.run([BINARY, "demo", "--exit"], capture_output=True, text=True, timeout=30, env={**os.environ, "TMPDIR": "/nonexistent"})
        self.assertEqual(told.returncode, 1)
        self.assertIn("`/nonexistent`: No such file or directory; set TMPDIR", told.stdout)

    def test_the_partners_site_shows_its_customers_and_asks_for_more_from_its_own_page_alone(self):
        demo = Process([BINARY, "demo"])
        self.addCleanup(demo.end, signal.SIGINT)
        url = demo.wait_for(r"(http://127\.0\.0\.1:\d+/aws-accounts)").group(1)
        site = url.removesuffix("/aws-accounts")

        def ask(method, address, **fields):
            try:
                with urllib.request.urlopen(urllib.request.Request(address, method=method, headers=fields), timeout=30) as answer:
                    return answer.status, answer.headers, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.headers, error.read().decode()

        status, headers, page = ask("GET", url)
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        for shown in ("Acme", "222222222222", "Connected", "Needs your attention", "Version 1"):
            self.assertIn(shown, page)
        self.assertEqual(ask("GET", url, Host="rebound.example")[0], 421)
        for origin in ({}, {"Origin": "https://elsewhere.example"}):
            self.assertEqual(ask("POST", site + "/more-permissions", **origin)[0], 403)
        self.assertEqual(ask("POST", site + "/more-permissions", Origin=site)[0], 200)
        self.assertIn("Version 1", ask("GET", url)[2], "who is connected decides")
        self.assertEqual(ask("DELETE", url)[0], 405)
        self.assertEqual(ask("GET", site + "/elsewhere")[0], 404)

    def test_ctrl_c_in_the_midst_of_the_story_ends_it_cleanly(self):
        with tempfile.TemporaryDirectory() as folder:
            demo = Process([BINARY, "demo"], {**os.environ, "TMPDIR": folder})
            demo.wait_for("external ID")
            self.assertEqual(demo.end(signal.SIGINT), 0)
            self.assertNotIn("Every step", demo.output())
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
