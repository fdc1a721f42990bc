"""`deputy credentials --format process` and `deputy profile`, as programs on a workload's machine use them."""

import concurrent.futures
import datetime
import http.server
import json
import os
import stat
import subprocess
import threading
import time
import unittest

from harness import BINARY, REGION, ServerTest


class Counting(http.server.ThreadingHTTPServer):
    """Stands before Deputy and counts what passes; answers by itself where told to."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, target):
        self.target, self.seen, self.canned = target, 0, None
        self.later = []  # the status and Retry-After of the next answers
        super().__init__(("127.0.0.1", 0), Passing)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


class Passing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.later:
            status, retry_after = self.server.later.pop(0)
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        answer = self.server.canned or self.server.target("POST", self.path, json.loads(body), self.headers["Authorization"].removeprefix("Bearer "))
        text = answer.text.encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


class LocalCache(ServerTest):
    def setUp(self):
        super().setUp()
        self.connection = self.active_connection()
        self.key = self.workload_key()
        self.front = Counting(self.deputy.call)
        self.addCleanup(self.front.end)
        self.home = os.path.join(self.folder, "home")
        os.mkdir(self.home)
        self.entries = os.path.join(self.home, ".cache", "deputy", "credentials")

    def test_every_option_reaches_the_server(self):
        asked = []
        pass_on, self.front.target = self.front.target, lambda method, path, body, key: asked.append(body) or pass_on(method, path, body, key)
        self.workload_key(may=["session_policy", "tags", "source_identity", "session_name", "region", "duration"])
        policy = os.path.join(self.home, "policy.json")
        with open(policy, "w") as file:
            json.dump({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}, file)
        options = ["--session-policy", policy, "--tag", "team=a=b", "--tag", "empty=", "--session-name", "job-1", "--region", "eu-west-1",
                   "--duration-seconds", "1800", "--reason", "a test"]
        got = self.run_deputy("credentials", self.connection["id"], "--format", "json", *options)
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertTrue(json.loads(got.stdout)["session_name"].endswith("@log-loader.job-1"))
        with open(policy) as file:
            self.assertEqual(asked, [{"session_policy": json.load(file), "tags": {"team": "a=b", "empty": ""}, "session_name": "job-1",
                                      "region": "eu-west-1", "duration_seconds": 1800, "reason": "a test"}])
        denied = self.run_deputy("credentials", self.connection["id"], "--format", "json", "--source-identity", "alice")
        self.assertEqual(asked[-1], {"source_identity": "alice"})
        self.assertIn("AWS denied the role", denied.stderr)  # the template's trust policy does not allow it
        for wrong in (["--tag", "novalue"], ["--tag", "=x"], ["--tag", "a=1", "--tag", "a=2"]):
            refused = self.run_deputy("credentials", self.connection["id"], *wrong)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn("tag", refused.stderr)
        self.assertEqual(len(asked), 2)

    def test_a_workload_finds_its_connection_by_the_partners_reference(self):
        tenant = self.deputy.must("POST", "/v1/tenants", {"name": "Globex", "reference": "crm-17"})
        made = self.deputy.must("POST", "/v1/connections", {"tenant_id": tenant["id"], "integration": "log-reader"})
        found = self.run_deputy("connection", "list", "--reference", "crm-17", "--output", "json", DEPUTY_URL=self.deputy.url)
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual([item["id"] for item in json.loads(found.stdout)["items"]], [made["id"]])
        self.assertNotIn(made["external_id"], found.stdout)

    def run_deputy(self, *arguments, **environment):
        given = self.deputy.environment(**{"HOME": self.home, "DEPUTY_URL": self.front.url, "DEPUTY_KEY": self.key, **environment})
        return subprocess.run([BINARY, *arguments], env=given, capture_output=True, text=True, timeout=60)

    def credentials(self, *options, **environment):
        done = self.run_deputy("credentials", self.connection["id"], *options, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr

    def test_many_at_once_make_one_request(self):
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: self.credentials()[0], range(50)))
        self.assertEqual(len({answer["AccessKeyId"] for answer in answers}), 1)
        self.assertEqual(self.front.seen, 1)

    def test_many_at_once_share_a_refusal(self):
        first = self.deputy.call("POST", "/v1/connections/con_" + "a" * 24 + "/credentials", {}, self.key)
        self.front.canned = first
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.run_deputy("credentials", self.connection["id"]), range(20)))
        self.assertEqual({(answer.returncode, answer.stdout) for answer in answers}, {(1, "")})
        self.assertEqual(len({answer.stderr for answer in answers}), 1)
        self.assertIn("not_found", answers[0].stderr)
        self.assertLess(self.front.seen, 20)

    def test_a_server_that_says_later_is_asked_again_once_for_all(self):
        self.front.later = [(429, "1"), (503, None)]
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: self.credentials()[0], range(5)))
        self.assertGreaterEqual(time.monotonic() - began, 2)
        self.assertEqual(len({answer["AccessKeyId"] for answer in answers}), 1)
        self.assertEqual(self.front.seen, 3)
        for output in ("env", "json"):
            self.front.later = [(503, "1")]
            self.assertEqual(self.run_deputy("credentials", self.connection["id"], "--format", output).returncode, 0)

    def test_other_refusals_are_final(self):
        for status in (400, 403, 404, 409, 500, 502):
            self.front.seen, self.front.later = 0, [(status, "1")]
            self.assertNotEqual(self.run_deputy("credentials", self.connection["id"]).returncode, 0)
            self.assertEqual(self.front.seen, 1, status)

    def test_is_private_and_shows_nothing_by_its_names(self):
        self.credentials()
        self.assertEqual(stat.S_IMODE(os.stat(self.entries).st_mode), 0o700)
        for name in os.listdir(self.entries):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.entries, name)).st_mode), 0o600, name)
            self.assertNotIn(self.connection["id"], name)
        with open(os.path.join(self.entries, next(name for name in os.listdir(self.entries) if name.endswith(".json")))) as entry:
            self.assertNotIn(self.key, entry.read())

    def test_what_matters_to_the_answer_tells_entries_apart(self):
        first = self.credentials()[0]
        self.assertEqual(self.credentials()[0], first)
        self.assertEqual(self.front.seen, 1)
        self.credentials("--reason", "another")
        self.credentials(DEPUTY_KEY=self.workload_key())
        self.credentials("--url", self.front.url.replace("127.0.0.1", "localhost"))
        self.assertEqual(self.front.seen, 4)

    def test_no_cache_neither_reads_nor_writes(self):
        self.credentials("--no-cache")
        self.assertFalse(os.path.exists(os.path.join(self.home, ".cache")))
        self.credentials()
        self.credentials("--no-cache")
        self.assertEqual(self.front.seen, 3)

    def test_a_folder_that_others_can_open_is_not_used_and_told(self):
        self.credentials()
        os.chmod(self.entries, 0o755)
        answer, said = self.credentials()
        self.assertEqual(answer["Version"], 1)
        self.assertIn("warning", said)
        self.assertIn("0700 would be right", said)
        self.assertEqual(self.front.seen, 2)

    def test_short_lived_credentials_are_handed_out_but_not_kept(self):
        expires_at = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=14)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = self.deputy.must("POST", f"/v1/connections/{self.connection['id']}/credentials", {}, self.key)
        self.front.canned = type("Answer", (), {"status": 200, "text": json.dumps({**body, "expires_at": expires_at})})
        self.assertEqual(self.credentials()[0]["Expiration"], expires_at)
        self.credentials()
        self.assertEqual(self.front.seen, 2)

    def test_what_is_no_answer_of_deputys_is_no_credentials(self):
        self.front.canned = type("Answer", (), {"status": 200, "text": "<html>captive portal</html>"})
        for output in ("process", "env", "json"):
            done = self.run_deputy("credentials", self.connection["id"], "--format", output)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn("not credentials", done.stderr)

    def test_the_key_may_be_in_a_file(self):
        path = os.path.join(self.home, "key")
        with open(path, "w") as file:
            file.write(self.key + "\n")
        self.credentials("--key-file", path, DEPUTY_KEY="dpk_workload_wrong")
        self.credentials("--no-cache", DEPUTY_KEY="", DEPUTY_KEY_FILE=path)
        for content in ("", "two words\n", "two\nlines\n"):
            with open(path, "w") as file:
                file.write(content)
            done = self.run_deputy("credentials", self.connection["id"], "--key-file", path)
            self.assertEqual(done.returncode, 2, done.stderr)

    def test_a_profile_is_written_once_and_holds_no_key(self):
        path = os.path.join(self.home, ".aws", "config")
        first = self.run_deputy("profile", self.connection["id"], "--name", "acme", "--region", REGION)
        self.assertEqual(first.returncode, 0, first.stderr)
        with open(path) as file:
            content = file.read()
        self.assertIn("[profile acme]\ncredential_process = ", content)
        self.assertNotIn(self.key, content)
        again = self.run_deputy("profile", self.connection["id"], "--name", "acme")
        self.assertIn("nothing to change", again.stderr)
        with open(path) as file:
            self.assertEqual(file.read(), content)
        with open(path, "a") as file:
            file.write("\n[profile mine]\nrole_arn = arn:aws:iam::222222222222:role/x\n")
        refused = self.run_deputy("profile", self.connection["id"], "--name", "mine")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--force", refused.stderr)
        for wrong in (("con_x",), (self.connection["id"], "--name", "a b"), (self.connection["id"], "--region", "Mars"),
                      (self.connection["id"], "--key-file", "/no/such/file"), (self.connection["id"], "--url", "http://user:secret@host")):
            self.assertEqual(self.run_deputy("profile", *wrong).returncode, 2, wrong)

    def test_a_profile_of_a_unix_socket_works_from_any_folder(self):
        path = os.path.join(self.home, ".aws", "config")
        given = self.deputy.environment(HOME=self.home)
        written = subprocess.run([BINARY, "profile", self.connection["id"], "--url", "unix:run/../deputy.sock"], env=given, cwd=self.home,
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual(written.returncode, 0, written.stderr)
        self.assertIn("needs no key", written.stderr)
        self.assertNotIn("DEPUTY_KEY", written.stderr)
        with open(path) as file:
            self.assertIn(f"--url unix:{os.path.realpath(self.home)}/deputy.sock\n", file.read())

    def test_a_key_is_not_sent_in_clear_to_another_machine(self):
        there = "http://deputy.internal:8180"
        for command in (["credentials", self.connection["id"]], ["tenant", "list"], ["logs", "collect"], ["profile", self.connection["id"]]):
            refused = self.run_deputy(*command, DEPUTY_URL=there)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""), refused.stderr)
            self.assertIn("DEPUTY_ALLOW_HTTP=1", refused.stderr)
        allowed = self.run_deputy("profile", self.connection["id"], DEPUTY_URL=there, DEPUTY_ALLOW_HTTP="1")
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        self.assertIn("needs DEPUTY_ALLOW_HTTP=1 where it is used", allowed.stderr)

    def test_plain_http_never_goes_through_a_proxy(self):
        proxy = {"http_proxy": self.front.url, "HTTP_PROXY": self.front.url, "ALL_PROXY": self.front.url}
        self.credentials("--no-cache", DEPUTY_URL=self.deputy.url, **proxy)
        failed = self.run_deputy("credentials", self.connection["id"], DEPUTY_URL="http://deputy.invalid:8180", DEPUTY_ALLOW_HTTP="1", **proxy)
        self.assertEqual((failed.returncode, failed.stdout), (3, ""), failed.stderr)
        self.assertEqual(self.front.seen, 0)


if __name__ == "__main__":
    unittest.main()
