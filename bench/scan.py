#!/usr/bin/python3
"""`deputy scan --rate N` against a sandbox that throttles just above N: the rate that it keeps, throttles, and its share of a core.

Usage: bench/scan.py BINARY [RATE [SECONDS]]     default 600 20
"""

import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ["DEPUTY_BINARY"] = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, "tests", "server"))
from harness import BINARY, REGION, Sandbox, trust  # noqa: E402  (after the path to it)

RATE = float(sys.argv[2]) if len(sys.argv) > 2 else 600
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 20
CALLS_PER_ROLE = 10


def main():
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(folder)
        role = sandbox.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust("Customer-42"))["Role"]["Arn"]
        fleet = os.path.join(folder, "fleet.csv")
        with open(fleet, "w") as file:
            file.write("name,role_arn,external_id\n")
            file.writelines(f"Customer {i},{role},Customer-42\n" for i in range(int(RATE * SECONDS / CALLS_PER_ROLE)))
        session = sandbox.partner_session()
        sandbox.misbehave({"kind": "throttle", "service": "sts", "operation": "AssumeRole", "per_second": RATE * 1.01})
        environment = {**os.environ, "AWS_ENDPOINT_URL": sandbox.url, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", **session}
        before = os.times()
        began = time.monotonic()
        done = subprocess.run([BINARY, "scan", fleet, "--rate", str(RATE), "--resume", os.path.join(folder, "state"), "--output", "json"],
                              env=environment, capture_output=True, text=True)
        wall = time.monotonic() - began
        after = os.times()
        sandbox.process.end()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        report = json.loads(done.stdout)
        calls = report["calls"]
        print(f"asked for        {RATE:.0f} AssumeRole calls/s, the sandbox throttles above {RATE * 1.01:.0f}")
        print(f"kept             {calls['per_second']:.1f}/s, {100 * calls['per_second'] / RATE:.1f} %")
        print(f"throttled        {calls['throttled']} of {calls['assume_role']}")
        print(f"roles            {report['summary']['passed']} passed of {report['summary']['roles']}")
        print(f"share of a core  {100 * cpu / wall:.1f} % ({cpu:.2f} s in {wall:.1f} s; 1-minute load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
