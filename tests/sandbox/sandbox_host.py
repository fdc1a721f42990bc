"""A sandbox of one's own for a test: starts deputy_sandbox_host with a seed on a free port, and stops it at the end."""

import json
import os
import subprocess
import sys
import tempfile
import traceback
import urllib.request

PARTNER = "111111111111"
CUSTOMER = "222222222222"
EXTERNAL_ID = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
WRONG_EXTERNAL_ID = "0d9e8c7b-5a43-4f21-b0c9-8e7d6f5a4b3c"
PARTNER_KEY = ("AKIAPARTNER000000000", "partner/secret+partner/secret")
ADMIN_KEY = ("AKIACUSTOMERADMIN000", "customer/secret+customer/secret")
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def trust_policy(external_id, principal=f"arn:aws:iam::{PARTNER}:user/deputy-broker"):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def reader_policy():
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
            {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
            {"Effect": "Allow", "Action": "logs:FilterLogEvents", "Resource": "arn:aws:logs:*:*:log-group:/acme/*:*"},
        ],
    }


def seed():
    may = ["sts:AssumeRole", "sts:TagSession"]
    assume = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": may, "Resource": "*"}]}
    user = lambda name, key, policy: {
        "name": name, "access_key_id": key[0], "secret_access_key": key[1], "policies": {"own": policy}}
    return {
        "accounts": [
            {"id": PARTNER, "users": [user("deputy-broker", PARTNER_KEY, assume)]},
            {
                "id": CUSTOMER,
                "users": [user("admin", ADMIN_KEY, ALLOW_ALL)],
                "buckets": ["acme-invoices", "acme-backups"],
                "roles": [
                    {"name": "seeded", "trust_policy": trust_policy(EXTERNAL_ID), "policies": {"reader": reader_policy()}},
                ],
            },
        ]
    }


class Host:
    """Use as a context manager; `url` is the one address of all services."""

    def __init__(self, program, seed_document):
        self._directory = tempfile.TemporaryDirectory()
        path = os.path.join(self._directory.name, "seed.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(seed_document, file)
        self._process = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline().decode().strip()
        if not line:
            raise RuntimeError("the host did not start")
        self.url = f"http://127.0.0.1:{line}"
        self.directory = self._directory.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            status = self._process.wait(timeout=20)
        finally:
            self._process.kill()
            self._directory.cleanup()
        if status != 0:
            raise RuntimeError(f"the host ended with status {status}")

    def misbehave(self, *disturbances):
        """Tells the sandbox to do wrong; without arguments, to behave again."""
        request = urllib.request.Request(
            self.url + "/_sandbox/misbehaviour", method="PUT", data=json.dumps({"disturbances": disturbances}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def clean_environment():
    """No credentials, configuration or proxy of whoever runs the test."""
    kept = {name: value for name, value in os.environ.items()
            if not name.upper().startswith("AWS_") and not name.lower().endswith("_proxy")}
    kept["AWS_EC2_METADATA_DISABLED"] = "true"
    kept["AWS_CONFIG_FILE"] = kept["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"
    kept["AWS_DEFAULT_REGION"] = "us-east-1"
    kept["NO_PROXY"] = "*"
    return kept


def run(tests):
    """Runs each function with a host of its own; ends the process with 0 only if all went well."""
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    failed = 0
    for test in tests:
        try:
            with Host(sys.argv[1], seed()) as host:
                test(host)
            print(f"ok      {test.__name__}")
        except BaseException:  # also a wrong exit of the host
            failed += 1
            print(f"FAILED  {test.__name__}")
            traceback.print_exc()
    sys.exit(1 if failed else 0)


ENVIRONMENT = clean_environment()


def expect_equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")
