"""Runs the sample program of the AWS post against the sandbox, as its own process."""

import os
import subprocess
import sys

from sandbox_host import CUSTOMER, ENVIRONMENT, EXTERNAL_ID, PARTNER_KEY, WRONG_EXTERNAL_ID, expect_equal, run

SAMPLE = os.path.join(os.path.dirname(__file__), "sample_list_buckets.py")


def sample(host, external_id):
    environment = dict(ENVIRONMENT, AWS_ACCESS_KEY_ID=PARTNER_KEY[0], AWS_SECRET_ACCESS_KEY=PARTNER_KEY[1])
    return subprocess.run(
        [sys.executable, SAMPLE, f"arn:aws:iam::{CUSTOMER}:role/seeded", external_id, host.url],
        env=environment, capture_output=True, text=True, timeout=60)


def lists_the_customers_buckets(host):
    done = sample(host, EXTERNAL_ID)
    expect_equal((done.returncode, done.stdout.split()), (0, ["acme-backups", "acme-invoices"]))


def is_denied_with_another_external_id(host):
    done = sample(host, WRONG_EXTERNAL_ID)
    expect_equal(done.returncode, 1)
    assert "AccessDenied" in done.stderr, done.stderr
    expect_equal(done.stdout, "")


run([lists_the_customers_buckets, is_denied_with_another_external_id])
