"""scripts/conformance-aws against a sandbox of its own: that it compares, that it finds a difference, and that it leaves nothing behind."""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import boto3

BINARY = os.environ["DEPUTY_BINARY"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/conformance-aws")
CORPUS = os.path.join(ROOT, "corpus/trust-policies/cases.json")
PARTNER, CUSTOMER = "121212121212", "343434343434"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def user(account):
    return {"name": "administrator", "access_key_id": "AKIACONF" + account, "secret_access_key": "secret-of-" + account, "policies": {"all": ALL}}


def role(name):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
                                                     "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}}]}
    return {"name": name, "trust_policy": trust, "policies": {"all": ALL}}


SEED = {"accounts": [{"id": PARTNER, "users": [user(PARTNER)], "roles": [role("broker"), role("other")]},
                     {"id": CUSTOMER, "users": [user(CUSTOMER)], "roles": [{"name": "deputy-conformance-not-ours", "path": "/deputy-conformance/"}]}]}


class Conformance(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        seed = self.write("seed.json", json.dumps(SEED))
        self.sandbox = subprocess.Popen([BINARY, "sandbox", "--listen", "127.0.0.1:0", "--seed", seed], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_sandbox)
        self.url = re.search(r"http://\S+", self.sandbox.stdout.readline()).group(0)
        profiles = "".join(f"[{name}]\naws_access_key_id = AKIACONF{account}\naws_secret_access_key = secret-of-{account}\n"
                           for name, account in (("partner", PARTNER), ("customer", CUSTOMER)))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {**clean, "AWS_SHARED_CREDENTIALS_FILE": self.write("credentials", profiles), "AWS_CONFIG_FILE": os.devnull,
                            "AWS_EC2_METADATA_DISABLED": "true"}

    def end_sandbox(self):
        self.sandbox.send_signal(signal.SIGTERM)
        self.sandbox.wait(timeout=20)
        self.sandbox.stdout.close()

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def command(self, *more, binary=BINARY):
        return [SCRIPT, "--partner-profile", "partner", "--customer-profile", "customer", "--partner-role", f"arn:aws:iam::{PARTNER}:role/broker",
                "--endpoint-url", self.url, "--binary", binary, "--report-dir", self.folder.name, "--settle", "0", "--rounds", "2",
                "--pause-max", "0.1", *more]

    def run_it(self, *more, binary=BINARY):
        return subprocess.run(self.command(*more, binary=binary), env=self.environment, capture_output=True, text=True, timeout=200, check=False)

    def report(self):
        with open(glob.glob(self.folder.name + "/conformance-aws-*.json")[0], encoding="utf-8") as file:
            return json.load(file)

    def roles(self):
        iam = boto3.client("iam", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="AKIACONF" + CUSTOMER,
                           aws_secret_access_key="secret-of-" + CUSTOMER)
        return [found["RoleName"] for page in iam.get_paginator("list_roles").paginate() for found in page["Roles"]]

    def disturb(self, *disturbances):
        body = json.dumps({"disturbances": list(disturbances)}).encode()
        subprocess.run(["curl", "-sf", "-X", "PUT", "--data-binary", "@-", self.url + "/_sandbox/misbehaviour"], input=body, check=True,
                       stdout=subprocess.DEVNULL)

    def test_the_sandbox_agrees_on_every_shape(self):
        done = self.run_it()
        report = self.report()
        self.assertEqual(done.returncode, 0, done.stderr + json.dumps([shape for shape in report["shapes"] if shape["outcome"] == "differs"], indent=1))
        with open(CORPUS, encoding="utf-8") as file:
            wanted = [case["id"] for case in json.load(file)["cases"]]
        self.assertEqual([shape["id"] for shape in report["shapes"]], wanted)
        self.assertEqual(report["totals"]["differs"], 0)
        self.assertLessEqual(report["totals"]["not_run"], 3, report["totals"])
        self.assertTrue(report["complete"])
        self.assertNotIn("111111111111", json.dumps([shape["policy"] for shape in report["shapes"]]))
        # Accounts and principal were put in everywhere, so shapes that are safe did let in the issued ID, and nothing else.
        for shape in report["shapes"]:
            if shape["engine"] == "safe" and shape["outcome"] == "agrees":
                accepted = [name for name, answer in shape["observed"]["answers"].items() if answer == "accepted"]
                self.assertEqual(accepted, ["issued"], shape["id"])
        self.assertGreater(sum("without" in shape["note"] for shape in report["shapes"]), 3)
        self.assertEqual(self.roles(), ["deputy-conformance-not-ours"])
        with open(glob.glob(self.folder.name + "/conformance-aws-*.md")[0], encoding="utf-8") as file:
            self.assertIn("| `equals` | safe | agrees |", file.read())

    def test_an_engine_that_errs_is_found_out(self):
        lying = self.write("deputy", "#!/bin/sh\necho '{\"verdict\": \"safe\", \"findings\": [], \"witness\": null}'\n")
        os.chmod(lying, 0o755)
        done = self.run_it("--only", "equals", "--only", "bare", binary=lying)
        self.assertEqual(done.returncode, 1, done.stderr)
        outcomes = {shape["id"]: shape["outcome"] for shape in self.report()["shapes"]}
        self.assertEqual(outcomes["equals"], "agrees")
        self.assertEqual(outcomes["bare"], "differs")
        self.assertEqual(self.roles(), ["deputy-conformance-not-ours"])

    def test_shapes_that_mislead(self):
        only = ["deny-absence-with-mfa", "deny-on-one-family", "deny-unless-session-name", "second-id-in-session-name", "second-forany-tagkeys",
                "second-date-past", "variable-session-name-issued", "principal-star-closed-by-arn", "cyrillic-e", "twentieth-statement", "principal-user"]
        done = self.run_it("--corpus", os.path.join(ROOT, "corpus/trust-policies/adversarial.json"), *(word for name in only for word in ("--only", name)))
        self.assertEqual(done.returncode, 0, done.stderr)
        shapes = {shape["id"]: shape for shape in self.report()["shapes"]}
        not_run = {name for name, shape in shapes.items() if shape["outcome"] == "not_run"}
        self.assertEqual(not_run, {"twentieth-statement", "principal-user"}, "one is longer than the quota, one names who does not exist")
        self.assertEqual({shape["outcome"] for name, shape in shapes.items() if name not in not_run}, {"agrees"})
        # No probe of the external ID gets through these doors: only the engine's own witness does.
        for name in ("deny-unless-session-name", "second-id-in-session-name"):
            self.assertEqual(shapes[name]["observed"]["witness"], "accepted", name)
        # What AWS puts into every request, we cannot leave out: such a witness is no proof to the contrary.
        for name in ("deny-absence-with-mfa", "deny-on-one-family", "second-forany-tagkeys"):
            self.assertIsNone(shapes[name]["observed"]["witness"], name)

    def test_iams_lag_is_waited_out(self):
        self.disturb({"kind": "propagation", "delay_ms": 700, "service": "iam"})
        done = self.run_it("--only", "equals", "--settle", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.report()["totals"]["agrees"], 1)

    def test_answers_that_are_neither_are_no_denial(self):
        self.disturb({"kind": "throttle", "service": "sts", "operation": "AssumeRole", "account": PARTNER, "per_second": 1})
        done = self.run_it("--only", "equals", "--wait-max", "1")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(self.roles(), ["deputy-conformance-not-ours"])

    def test_an_interrupted_run_leaves_nothing(self):
        running = subprocess.Popen(self.command("--settle", "60"), env=self.environment, stderr=subprocess.PIPE, text=True)
        for line in running.stderr:
            if "assuming them" in line:
                break
        self.assertGreater(len(self.roles()), 20)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, 3)
        self.assertEqual(self.roles(), ["deputy-conformance-not-ours"])

    def test_clean_deletes_what_a_killed_run_left_and_nothing_else(self):
        running = subprocess.Popen(self.command("--settle", "60"), env=self.environment, stderr=subprocess.PIPE, text=True)
        for line in running.stderr:
            if "assuming them" in line:
                break
        running.kill()
        running.communicate(timeout=60)
        self.assertGreater(len(self.roles()), 20)
        done = self.run_it("--clean")
        # The role that is not tagged is not ours, whatever its name: it stays, and is told.
        self.assertEqual((done.returncode, self.roles()), (3, ["deputy-conformance-not-ours"]), done.stderr)

    def test_needs_two_accounts_that_are_named(self):
        bare = subprocess.run([SCRIPT, "--endpoint-url", self.url], env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(bare.returncode, 2)
        same = subprocess.run([*self.command(), "--customer-profile", "partner"], env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(same.returncode, 3)
        self.assertIn("one account", same.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
