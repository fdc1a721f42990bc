"""The commands, as a person at a terminal uses them."""

import http.server
import json
import os
import signal
import subprocess
import threading
import tempfile

import unittest

from harness import BINARY, REGION, Process, ServerTest, trust


class Commands(ServerTest):
    def write(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            json.dump(value, file)
        return path

    def json_of(self, *arguments, key=None):
        done = self.deputy.command(*arguments, "--output", "json", key=key)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_from_integration_to_credentials(self):
        policy = self.write("policy.json", {"Version": "2012-10-17", "Statement": [{"Sid": "List", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]})
        reasons = self.write("reasons.json", {"List": "to offer archives"})
        self.json_of("integration", "create", "archiver", "--description", "Archives", "--policy", policy, "--reasons", reasons)
        tenant = self.json_of("tenant", "create", "--name", "Acme", "--reference", "crm-1")
        connection = self.json_of("connection", "create", "--tenant", tenant["id"], "--integration", "archiver")
        template = self.deputy.command("template", connection["id"], "--format", "cloudformation")
        self.assertIn(connection["external_id"], template.stdout)
        role = self.make_role("archiver", trust(connection["external_id"]))
        self.json_of("connection", "set-role", connection["id"], "--role-arn", role)
        self.wait_for_state(connection, "active")
        grants = self.write("grants.json", [{"integration": "archiver", "tenants": [tenant["id"]], "may": []}])
        self.json_of("workload", "create", "archiver-job", "--grants", grants)
        key = self.json_of("key", "create", "--role", "workload", "--workload", "archiver-job")["secret"]
        process = self.deputy.command("credentials", connection["id"], "--format", "process", key=key)
        self.assertEqual(json.loads(process.stdout)["Version"], 1)
        self.assertEqual(self.deputy.command("credentials", connection["id"], key=key).stdout, process.stdout)
        shell = self.deputy.command("credentials", connection["id"], "--format", "env", key=key)
        self.assertIn("export AWS_SESSION_TOKEN=", shell.stdout)
        listed = self.deputy.command("connection", "list")
        self.assertIn(connection["id"], listed.stdout)

    def test_exit_statuses_tell_refused_wrong_use_and_unreachable_apart(self):
        self.assertEqual(self.deputy.command("tenant", "show", "ten_" + "a" * 24).returncode, 1)
        self.assertEqual(self.deputy.command("tenant", "create").returncode, 2)
        self.assertEqual(self.deputy.command("no-such-command").returncode, 2)
        self.assertEqual(self.deputy.command("tenant", "list", key="dpk_admin_wrong").returncode, 1)
        url, self.deputy.url = self.deputy.url, "http://127.0.0.1:1"
        lost = self.deputy.command("tenant", "list")
        self.assertEqual(lost.returncode, 3)
        self.assertIn("http://127.0.0.1:1", lost.stderr)
        self.assertNotIn("AWS", lost.stderr)
        self.deputy.url = url
        self.assertEqual(self.deputy.command("config", "check", "--config", "/no/such/file").returncode, 2)

    def test_a_checkpoint_is_given_as_it_is_or_in_a_file(self):
        checkpoint = self.deputy.command("journal", "verify").stdout.strip()
        self.assertEqual(self.deputy.command("journal", "verify", "--checkpoint", checkpoint).returncode, 0)
        self.assertEqual(self.deputy.command("journal", "verify", "--checkpoint", "99:" + checkpoint.split(":")[1]).returncode, 1)
        self.assertEqual(self.deputy.command("journal", "verify", "--checkpoint", "neither").returncode, 2)

    def verify_role(self, role, external_id, **environment):
        return subprocess.run([BINARY, "verify", "--role-arn", role, "--external-id", external_id, "--region", REGION, "--output", "json"],
                              env=self.deputy.environment(**{**self.sandbox.partner_session(), **environment}), capture_output=True, text=True, timeout=60)

    def test_verify_needs_no_server(self):
        external_id = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        good, careless = self.make_role("good", trust(external_id)), self.make_role("careless", trust())
        passed = self.verify_role(good, external_id)
        self.assertEqual((passed.returncode, json.loads(passed.stdout)["outcome"]), (0, "passed"))
        self.assertEqual(json.loads(passed.stdout)["proof"], "probed")
        failed = self.verify_role(careless, external_id)
        self.assertEqual((failed.returncode, json.loads(failed.stdout)["outcome"]), (1, "failed"))
        self.assertEqual(self.verify_role("arn:aws:iam::222222222222:user/x", external_id).returncode, 2)
        lost = self.verify_role(good, external_id, AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assertEqual((lost.returncode, json.loads(lost.stdout)["outcome"]), (3, "inconclusive"))
        denied = self.verify_role("arn:aws:iam::222222222222:role/missing", external_id)
        self.assertEqual(denied.returncode, 1)
        self.assertNotIn("assumed-role", denied.stdout)

    def test_init_never_overwrites(self):
        before = open(os.path.join(self.deputy.folder, "master.key")).read()
        self.assertEqual(self.deputy.command("init", "--dir", self.deputy.folder).returncode, 2)
        self.assertEqual(open(os.path.join(self.deputy.folder, "master.key")).read(), before)
        for made in os.listdir(self.deputy.folder):
            self.assertEqual(os.stat(os.path.join(self.deputy.folder, made)).st_mode & 0o077, 0, made)

    def test_config_check_names_problems_with_their_lines(self):
        self.assertEqual(self.deputy.command("config", "check").returncode, 0)
        with open(os.path.join(self.deputy.folder, "deputy.toml"), "a") as file:
            file.write("\n[rotation]\nretire_after = \"soon\"\n")
        checked = self.deputy.command("config", "check")
        self.assertEqual(checked.returncode, 1)
        self.assertRegex(checked.stdout, r"deputy\.toml:\d+: .*retire_after")

    def test_completion_is_made_for_each_shell(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.deputy.command("completion", shell)
            self.assertEqual(script.returncode, 0)
            self.assertIn("connection", script.stdout)
        checked = subprocess.run(["bash", "-n"], input=self.deputy.command("completion", "bash").stdout, text=True, capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_an_answer_cannot_run_commands_in_the_shell_that_evaluates_it(self):
        hostile = {"access_key_id": "ASIA'; echo ran >&2; '", "secret_access_key": "$(echo ran >&2)", "session_token": "`echo ran >&2`"}

        class Impostor(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.dumps(hostile).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Impostor) as impostor:
            threading.Thread(target=impostor.handle_request, daemon=True).start()
            url, self.deputy.url = self.deputy.url, f"http://127.0.0.1:{impostor.server_port}"
            told = self.deputy.command("credentials", "con_" + "a" * 24, "--format", "env")
            self.deputy.url = url
        self.assertEqual(told.returncode, 0, told.stderr)
        shell = subprocess.run(["sh", "-c", told.stdout + '\nprintf %s "$AWS_ACCESS_KEY_ID"'], capture_output=True, text=True)
        self.assertEqual((shell.stdout, shell.stderr), (hostile["access_key_id"], ""))


class Demo(unittest.TestCase):
    def test_the_story_comes_out_as_told(self):
        told = subprocess.run([BINARY, "demo", "--exit"], capture_output=True, text=True, timeout=30)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertNotIn("\x1b", told.stdout)
        for line in ("external_id_not_settable", "the connection is rejected", "the connection is suspended", "word for word", "acme-invoices",
                     "POST /checkout 500", "deputy logs tail --tenant ten_", "/acme/webshop  POST /checkout 200 87ms", "deputy logs search --tenant ten_",
                     "/acme/webshop  POST /checkout 502 payment provider refused", "in Acme's searches alone", "the rotation is over", "Every step came out as told."):
            self.assertIn(line, told.stdout)

    def test_ctrl_c_in_the_midst_of_the_story_ends_it_cleanly(self):
        with tempfile.TemporaryDirectory() as folder:
            demo = Process([BINARY, "demo"], {**os.environ, "TMPDIR": folder})
            demo.wait_for("external ID")
            self.assertEqual(demo.end(signal.SIGINT), 0)
            self.assertNotIn("Every step", demo.output())
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
