"""The commands, as a person at a terminal uses them."""

import datetime
import http.server
import json
import os
import subprocess
import threading
import unittest

from harness import BINARY, REGION, ServerTest, trust


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

    def test_who_grants_all_tenants_is_told_how(self):
        refused = self.deputy.command("workload", "create", "job", "--grants", self.write("grants.json", [{"integration": "*", "tenants": "all"}]))
        self.assertEqual(refused.returncode, 1)
        self.assertIn('list of tenant identifiers, or "*", which means all', refused.stderr)

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

    def test_what_was_meant_as_a_checkpoint_is_told_to_be_none(self):
        for malformed in ("1:ab", "12:"):
            told = self.deputy.command("journal", "verify", "--checkpoint", malformed)
            self.assertEqual(told.returncode, 2)
            self.assertIn(f"`{malformed}` is not a checkpoint", told.stderr)
        self.assertIn("`neither` cannot be opened", self.deputy.command("journal", "verify", "--checkpoint", "neither").stderr)

    def test_values_that_nothing_takes_are_wrong_use(self):
        connection = self.connect()
        for arguments, words in ((["template", connection["id"], "--format", "x"], "--format"), (["key", "create", "--role", "x"], "--role"),
                                 (["connection", "list", "--state", "nope"], "--state"), (["tenant", "list", "--limit", "0"], "--limit"),
                                 (["key", "create", "--role", "auditor", "--expires-in", "soon"], "--expires-in"),
                                 (["key", "create", "--role", "auditor", "--expires-in", "0"], "--expires-in"),
                                 (["init", "--dir", ""], "--dir names no folder")):
            told = self.deputy.command(*arguments)
            self.assertEqual((told.returncode, told.stdout), (2, ""), arguments)
            self.assertIn(words, told.stderr)

    def test_a_life_is_told_in_seconds_or_as_a_duration(self):
        for life in ("3600", "60m", "1h"):
            key = self.json_of("key", "create", "--role", "auditor", "--expires-in", life)
            made, ends = (datetime.datetime.fromisoformat(key[name].replace("Z", "+00:00")) for name in ("created_at", "expires_at"))
            self.assertAlmostEqual((ends - made).total_seconds(), 3600, delta=1)
        session = self.json_of("connect-session", "create", "--tenant", self.connect()["tenant_id"], "--integration", "log-reader", "--expires-in", "1800")
        self.assertTrue(session["expires_at"])

    def test_an_integration_needs_no_description(self):
        policy = self.write("policy.json", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]})
        self.assertEqual(self.json_of("integration", "create", "plain", "--policy", policy)["description"], "plain")

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

    def test_why_a_role_was_rejected_can_be_read(self):
        connection = self.connect()
        none_yet = self.deputy.command("connection", "show", connection["id"])
        self.assertEqual(none_yet.returncode, 0, none_yet.stderr)
        self.assertNotIn("The last verification", none_yet.stdout)
        self.give_role(connection, self.make_role("careless", trust()))
        self.wait_for_state(connection, "rejected")
        last = self.verification(connection)
        begun = self.deputy.command("connection", "verify", connection["id"])
        self.assertEqual(begun.returncode, 1, begun.stdout + begun.stderr)
        shown = self.deputy.command("connection", "show", connection["id"])
        self.assertEqual(shown.returncode, 0)
        self.assertIn("\nstate: rejected\n", shown.stdout)
        listed = self.deputy.command("connection", "verifications", connection["id"])
        self.assertIn(last["id"], listed.stdout)
        failed = next(check for check in last["checks"] if check["result"] == "failed")
        for said in (begun.stdout, shown.stdout, listed.stdout):
            for check in last["checks"]:
                self.assertRegex(said, rf"(?m)^  {check['result']} +{check['name']}: ")
            self.assertIn(failed["message"], said)
            for line in failed["mend"].splitlines():
                self.assertIn(line, said)
        # As JSON each is the API's answer, waited for as well.
        self.assertEqual(self.json_of("connection", "verifications", connection["id"])["items"][-1]["id"], last["id"])
        again = self.deputy.command("connection", "verify", connection["id"], "--output", "json")
        self.assertEqual((again.returncode, json.loads(again.stdout)["outcome"]), (1, "failed"), again.stderr)
        self.assertIn("trust_policy", [check["name"] for check in json.loads(again.stdout)["checks"]])
        self.assertEqual(self.json_of("connection", "verify", connection["id"], "--no-wait")["status"], "running")

    def test_verify_waits_for_a_pass_and_says_what_was_proved(self):
        connection = self.active_connection()
        begun = self.deputy.command("connection", "verify", connection["id"])
        self.assertEqual(begun.returncode, 0, begun.stderr)
        self.assertRegex(begun.stdout, r"(?m)^ver_\w+  passed, proved  ")
        self.assertRegex(begun.stdout, r"(?m)^  passed +trust_policy: ")
        finished = self.json_of("connection", "verify", connection["id"])
        self.assertEqual((finished["status"], finished["outcome"]), ("done", "passed"))
        unwaited = self.deputy.command("connection", "verify", connection["id"], "--no-wait")
        self.assertEqual(unwaited.returncode, 0, unwaited.stderr)
        self.assertRegex(unwaited.stdout, r"^ver_\w+  running")

    def test_a_workload_sees_its_connection_and_no_checks(self):
        connection = self.active_connection()
        shown = self.deputy.command("connection", "show", connection["id"], key=self.workload_key())
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertNotIn("external_id_required", shown.stdout)

    def test_what_could_not_be_printed_is_not_told_as_done(self):
        def into_full_disk(*arguments):
            with open("/dev/full", "w") as full:
                return subprocess.run([BINARY, *arguments], cwd=self.deputy.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                      env=self.deputy.environment(DEPUTY_URL=self.deputy.url, DEPUTY_KEY=self.deputy.admin_key))

        connection = self.connect()
        for arguments in (["key", "create", "--role", "auditor"], ["connection", "list"], ["connection", "show", connection["id"]], ["version"],
                          ["template", connection["id"], "--format", "terraform"], ["journal", "verify"], ["journal", "list"],
                          ["connect-session", "create", "--tenant", connection["tenant_id"], "--integration", "log-reader"], ["--help"],
                          ["completion", "bash"]):
            lost = into_full_disk(*arguments)
            self.assertEqual(lost.returncode, 3, (arguments, lost.stderr))
            self.assertIn("standard output cannot be written", lost.stderr, arguments)
            made = next((word for word in lost.stderr.split() if word.startswith(("key_", "cse_"))), None)
            self.assertEqual(made is not None, arguments[1:2] == ["create"], lost.stderr)
        # A finding stays one.
        self.assertEqual(into_full_disk("analyze", "/dev/null").returncode, self.deputy.command("analyze", "/dev/null").returncode)

    def test_without_an_output_nothing_is_printed_into_a_file(self):
        done = subprocess.run(["sh", "-c", 'exec "$0" key create --role auditor >&- 2>told', BINARY], cwd=self.deputy.folder, timeout=60,
                              env=self.deputy.environment(DEPUTY_URL=self.deputy.url, DEPUTY_KEY=self.deputy.admin_key))
        self.assertEqual(done.returncode, 3)
        with open(os.path.join(self.deputy.folder, "told")) as told:
            self.assertIn("standard output cannot be written", told.read())

    def test_verify_without_credentials_lists_where_it_looked(self):
        external_id = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        for form in ("text", "json"):
            nothing = self.deputy.command("verify", "--role-arn", "arn:aws:iam::222222222222:role/reader", "--external-id", external_id, "--region",
                                          REGION, "--output", form)
            self.assertEqual((nothing.returncode, nothing.stdout), (3, ""))
            for source in ("environment", "shared files", "web identity", "container", "instance metadata"):
                self.assertIn(source, nothing.stderr)
            self.assertNotIn("by itself", nothing.stderr)
        role = self.make_role("reader", trust(external_id))
        told = subprocess.run([BINARY, "verify", "--role-arn", role, "--external-id", external_id, "--region", REGION], capture_output=True, text=True,
                              env=self.deputy.environment(**{**self.sandbox.partner_session(), "AWS_SECRET_ACCESS_KEY": "another"}), timeout=60)
        self.assertEqual(told.returncode, 3, told.stdout)
        self.assertIn("then verify again", told.stdout)
        self.assertNotIn("by itself", told.stdout)

    def test_a_word_that_is_not_known_is_named_with_the_nearest(self):
        for arguments, wrong, right in ((["frob"], "frob", None), (["conection", "list"], "conection", "connection"),
                                        (["connection", "lsit"], "lsit", "list"), (["--verison"], "--verison", "--version"),
                                        (["connection", "list", "--tenent", "x"], "--tenent", "--tenant"),
                                        (["tenant", "create", "--nam=x"], "--nam", "--name"), (["\x1b]0;pwn\x07"], "\\x1b]0;pwn\\x07", None)):
            told = self.deputy.command(*arguments)
            self.assertEqual((told.returncode, told.stdout), (2, ""), arguments)
            self.assertIn(f"`{wrong}` is no ", told.stderr)
            self.assertEqual(f"did you mean `{right}`?" in told.stderr, right is not None, told.stderr)
            self.assertNotIn("\x1b", told.stderr)
        # What is known and wrong in another way is told as before; a value may look like an option.
        self.assertIn("--name is required", self.deputy.command("tenant", "create", "--reference", "--frob").stderr)
        version = self.deputy.command("--version")
        self.assertEqual((version.returncode, version.stdout), (0, self.deputy.command("version").stdout))

    def test_an_answer_cannot_steer_the_terminal(self):
        steering = {"code": "\x1b[2Jcode", "detail": "\x1b]0;pwned\x07detail", "id": "ten_x", "name": "\x9b31m\u202ename"}

        class Impostor(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(steering).encode()
                self.send_response(404 if "missing" in self.path else 200)
                self.send_header("Content-Type", "application/problem+json" if "missing" in self.path else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Impostor) as impostor:
            threading.Thread(target=impostor.serve_forever, daemon=True).start()
            self.addCleanup(setattr, self.deputy, "url", self.deputy.url)
            self.deputy.url = f"http://127.0.0.1:{impostor.server_port}"
            refused = self.deputy.command("tenant", "show", "missing")
            shown = self.deputy.command("tenant", "show", "ten_x")
            impostor.shutdown()
        self.assertEqual((refused.returncode, shown.returncode), (1, 0))
        self.assertIn("\\x1b]0;pwned\\x07detail", refused.stderr)
        for text in (refused.stderr, shown.stdout):
            for character in "\x1b\x07\x9b\u202e":
                self.assertNotIn(character, text)

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
        hostile = {"access_key_id": "ASIA'; echo ran >&2; '", "secret_access_key": "$(echo ran >&2)", "session_token": "`echo ran >&2`",
                   "expires_at": "2099-01-01T00:00:00Z"}

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


if __name__ == "__main__":
    unittest.main()
