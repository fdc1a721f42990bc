"""`deputy scan` against a sandbox: a fleet that no server manages."""

import csv
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import BINARY, PARTNER_ROLE, REGION, Sandbox, trust


class Scan(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="deputy-scan-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sandbox = Sandbox(self.folder)
        self.addCleanup(self.sandbox.process.end)
        self.iam = self.sandbox.client("iam")
        self.session = self.sandbox.partner_session()
        self.fleet = os.path.join(self.folder, "fleet.csv")

    def role(self, name, policy):
        return self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]

    def write(self, rows, header="name,role_arn,external_id"):
        with open(self.fleet, "w", newline="") as file:
            file.write(header + "\n")
            csv.writer(file, lineterminator="\n").writerows(rows)

    def environment(self, **more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DEPUTY_"))}
        return {**clean, "HOME": self.folder, "AWS_ENDPOINT_URL": self.sandbox.url, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
                **self.session, **more}

    def scan(self, *options, **environment):
        return subprocess.run([BINARY, "scan", self.fleet, "--rate", "500", *options], env=self.environment(**environment), capture_output=True,
                              text=True, timeout=120)

    def test_a_role_of_our_own_account_is_refused_before_anything_is_verified(self):
        theirs = self.role("reader", trust("Customer-42"))
        self.write([("Acme", theirs, "Customer-42"), ("Us", PARTNER_ROLE, "Customer-43")])
        for options in ((), ("--principal", PARTNER_ROLE)):
            refused = self.scan(*options)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""), refused.stderr)
            self.assertRegex(refused.stderr, r"fleet\.csv: line 3: role_arn_forbidden: .*111111111111")
            self.assertNotIn("line 2", refused.stderr)
            self.assertIn("nothing was verified", refused.stderr)

    def test_a_role_that_lets_itself_be_read_is_proved_and_a_hidden_door_is_found(self):
        door = json.loads(trust("Customer-42"))
        door["Statement"].append({**door["Statement"][0], "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}})
        rows = []
        for name, policy in (("read", trust("Customer-42")), ("door", json.dumps(door)), ("unread", trust("Customer-42"))):
            arn = self.role(name, policy)
            rows.append((name, arn, "Customer-42"))
            if name != "unread":
                own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:GetRole", "Resource": arn}]}
                self.iam.put_role_policy(RoleName=name, PolicyName="self-read", PolicyDocument=json.dumps(own))
        self.write(rows)
        for options in ((), ("--principal", PARTNER_ROLE)):
            report = list(csv.DictReader(io.StringIO(self.scan("--output", "csv", *options).stdout)))
            self.assertEqual([(row["name"], row["outcome"], row["proof"]) for row in report],
                             [("read", "passed", "proved"), ("door", "failed", "none"), ("unread", "passed", "probed")])
            self.assertEqual(report[1]["check"], "trust_policy")

    def mixed_fleet(self):
        good = self.role("good", trust("Customer-42"))
        careless = self.role("careless", trust())
        self.write([("Acme", good, "Customer-42"), ("=Globex()", careless, "globex:id"),
                    ("\x1b[31mGone", "arn:aws:iam::222222222222:role/gone", "gone-1")])

    def count_calls(self):
        """From now on `calls` tells how often AssumeRole was called."""
        self.sandbox.misbehave({"kind": "late", "service": "sts", "operation": "AssumeRole", "delay_ms": 0, "count": 1_000_000})

    def calls(self):
        with urllib.request.urlopen(self.sandbox.url + "/_sandbox/misbehaviour") as answer:
            return 1_000_000 - json.load(answer)["disturbances"][0]["count"]

    def wait_for_calls(self, count):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.calls() >= count:
                return
            time.sleep(0.05)
        self.fail("the scan calls nothing")

    def test_a_fleet_is_told_apart_in_every_form(self):
        self.mixed_fleet()
        text = self.scan()
        self.assertEqual(text.returncode, 1, text.stderr)
        self.assertRegex(text.stdout, r"1  passed")
        self.assertRegex(text.stdout, r"2  failed")
        self.assertLess(text.stdout.index("external_id_required"), text.stdout.index("role_assumable"))
        document = json.loads(self.scan("--output", "json").stdout)
        self.assertEqual([(role["line"], role["outcome"], role["check"]) for role in document["roles"]],
                         [(2, "passed", None), (3, "failed", "external_id_required"), (4, "failed", "role_assumable")])
        self.assertEqual((document["outcome"], document["summary"]["failed"], document["calls"]["throttled"]), ("failed", 2, 0))
        self.assertIn("globex:id", document["roles"][1]["mend"])
        table = list(csv.DictReader(io.StringIO(self.scan("--output", "csv").stdout)))
        self.assertEqual([row["outcome"] for row in table], ["passed", "failed", "failed"])
        self.assertEqual(table[1]["name"], "'=Globex()")
        self.assertEqual(table[2]["name"], "\\x1b[31mGone")

    def test_exit_statuses(self):
        good = self.role("good", trust("Customer-42"))
        self.write([("Acme", good, "Customer-42")])
        self.assertEqual(self.scan().returncode, 0)
        self.sandbox.misbehave({"kind": "server_error", "service": "sts", "operation": "AssumeRole", "status": 503})
        unclear = self.scan("--output", "json")
        self.assertEqual((unclear.returncode, json.loads(unclear.stdout)["outcome"]), (3, "inconclusive"))
        keyless = self.scan(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SESSION_TOKEN="")
        self.assertEqual((keyless.returncode, keyless.stdout), (3, ""))

    def test_what_cannot_be_read_is_told_with_its_line_and_nothing_is_called(self):
        good = self.role("good", trust("Customer-42"))
        self.count_calls()
        for content, told in ((f"Acme,{good},Customer-42\nB,nonsense,x1\n", "line 3"), (f"Acme,{good},\n", "line 2: no external ID"),
                              (f'"Acme,{good},Customer-42\n', "line 2: a quote"), (f"Acme,{good},Customer-42,more\n", "line 2: 4 fields"),
                              (f"Ac\0me,{good},Customer-42\n", "line 2: a NUL"), ("x" * 1_000_000 + f",{good},Customer-42\n", "line 2: longer"), ("", "no roles")):
            with open(self.fleet, "w") as file:
                file.write("name,role_arn,external_id\n" + content)
            done = subprocess.run([BINARY, "scan", self.fleet], env=self.environment(), capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (2, ""), content[:80])
            self.assertIn(told, done.stderr)
        self.assertEqual(self.calls(), 0)
        self.assertEqual(self.scan("--rate", "0").returncode, 2)
        self.assertEqual(subprocess.run([BINARY, "scan", "/no/such.csv"], env=self.environment(), capture_output=True).returncode, 2)

    def many(self, count):
        role = self.role("good", trust("Customer-42"))
        self.write([(f"Customer {i}", role, "Customer-42") for i in range(count)])

    def test_stops_on_ctrl_c_and_goes_on_from_there(self):
        self.many(60)
        state = os.path.join(self.folder, "state")
        arguments = [BINARY, "scan", self.fleet, "--rate", "100", "--resume", state, "--output", "json"]
        first = subprocess.Popen(arguments, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while time.monotonic() < end and not (os.path.exists(state) and sum(1 for _ in open(state)) > 5):
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        output, said = first.communicate(timeout=30)
        interrupted = json.loads(output)
        done = interrupted["summary"]["passed"]
        self.assertEqual((first.returncode, interrupted["interrupted"]), (3, True), said)
        self.assertTrue(5 <= done < 60, done)
        self.assertEqual(interrupted["summary"]["not_verified"], 60 - done)
        self.assertIn(f"--resume '{state}'", said)
        again = json.loads(self.scan("--resume", state, "--output", "json").stdout)
        self.assertEqual(again["summary"]["passed"], 60)
        self.assertLess(again["calls"]["assume_role"], interrupted["calls"]["assume_role"] / done * (60 - done) * 1.5)
        self.assertEqual(json.loads(self.scan("--resume", state, "--output", "json").stdout)["calls"]["assume_role"], 0)
        with open(self.fleet, "a") as file:
            file.write("\n")
        refused = self.scan("--resume", state)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("was the CSV changed", refused.stderr)

    def test_a_result_of_an_earlier_run_is_not_passed_off_as_this_runs(self):
        role = self.role("good", trust("Customer-42"))
        self.write([("Acme", role, "Customer-42")])
        state = os.path.join(self.folder, "state")
        first = json.loads(self.scan("--resume", state, "--output", "json").stdout)
        self.assertEqual((first["summary"]["passed"], first["summary"]["resumed"]), (1, 0))
        self.assertLessEqual(first["started_at"], first["roles"][0]["verified_at"])
        self.iam.update_assume_role_policy(RoleName="good", PolicyDocument=trust())
        again = json.loads(self.scan("--resume", state, "--output", "json").stdout)
        self.assertEqual((again["summary"]["resumed"], again["calls"]["assume_role"]), (1, 0))
        self.assertEqual(again["roles"][0]["verified_at"], first["roles"][0]["verified_at"])
        self.assertIn(f"1 of 1 results are from earlier runs, the oldest of {first['roles'][0]['verified_at']}", self.scan("--resume", state).stdout)
        # Under other terms it says nothing at all.
        with open(state) as file:
            before = file.read()
        for options, told in ((("--principal", "arn:aws:iam::111111111111:role/other"), "for another principal"), (("--region", "eu-west-3"), "from another Region")):
            refused = self.scan("--resume", state, *options)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""), refused.stderr)
            self.assertIn(told, refused.stderr)
        os.chmod(state, 0o622)
        refused = self.scan("--resume", state)
        self.assertEqual((refused.returncode, refused.stdout), (2, ""), refused.stderr)
        self.assertIn("can be written by other users", refused.stderr)
        with open(state) as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(self.scan("--resume", state + "-new").returncode, 1)

    def test_ctrl_c_loses_nothing_for_want_of_a_state_file(self):
        self.many(60)
        self.count_calls()
        scan = subprocess.Popen([BINARY, "scan", self.fleet, "--rate", "50"], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wait_for_calls(30)
        scan.send_signal(signal.SIGINT)
        _, said = scan.communicate(timeout=30)
        self.assertIn(f"--resume '{self.fleet}.scan-state'", said)
        self.assertTrue(os.path.exists(self.fleet + ".scan-state"))

    def test_a_killed_scan_goes_on(self):
        self.many(40)
        state = os.path.join(self.folder, "state")
        scan = subprocess.Popen([BINARY, "scan", self.fleet, "--rate", "100", "--resume", state], env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end and not (os.path.exists(state) and sum(1 for _ in open(state)) > 3):
            time.sleep(0.05)
        scan.kill()
        scan.wait()
        again = self.scan("--resume", state, "--output", "json")
        self.assertEqual((again.returncode, json.loads(again.stdout)["summary"]["passed"]), (0, 40), again.stderr)

    def test_a_throttle_slows_it_down_and_fails_nobody(self):
        self.many(10)
        self.sandbox.misbehave({"kind": "throttle", "service": "sts", "operation": "AssumeRole", "per_second": 0, "count": 3})
        done = json.loads(self.scan("--output", "json").stdout)
        self.assertEqual((done["outcome"], done["summary"]["passed"]), ("passed", 10))
        self.assertEqual(done["calls"]["throttled"], 3)

    def test_progress_is_one_line_on_a_terminal_and_no_escapes_elsewhere(self):
        self.many(20)
        self.assertNotIn("\x1b", self.scan().stderr)
        ours, theirs = pty.openpty()
        done = subprocess.run([BINARY, "scan", self.fleet, "--rate", "100"], env=self.environment(), stdout=subprocess.PIPE, stderr=theirs, timeout=60)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(shown, r"\r\x1b\[K20 of 20 roles: 20 passed, 0 failed, 0 inconclusive")


if __name__ == "__main__":
    unittest.main()
