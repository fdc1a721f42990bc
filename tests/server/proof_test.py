"""The checks that read the role: what is proved, what is only probed, and what no probe sees."""

import hashlib
import json
import os
import subprocess
import unittest

from harness import ALLOW_ALL, BINARY, NEEDS, PARTNER_ROLE, REGION, ServerTest, trust

DOOR = {"Effect": "Allow", "Principal": {"AWS": PARTNER_ROLE}, "Action": "sts:AssumeRole",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}}


def with_a_door(external_id):
    policy = json.loads(trust(external_id))
    policy["Statement"].append(DOOR)
    return json.dumps(policy)


class Proof(ServerTest):
    def check(self, connection, name):
        return next(check for check in self.verification(connection)["checks"] if check["name"] == name)

    def restart(self, **settings):
        self.deputy.stop()
        self.deputy.settings.update(settings)
        self.deputy.start()

    def test_a_role_of_the_template_is_proved(self):
        connection = self.active_connection()
        self.assertEqual(connection["proof"], "proved")
        verification = self.verification(connection)
        self.assertEqual((verification["outcome"], verification["proof"]), ("passed", "proved"))
        self.assertEqual({check["result"] for check in verification["checks"]}, {"passed"})
        self.assertIn("nothing beyond it", self.check(connection, "permissions")["message"])

    def test_the_evidence_names_the_policy_that_was_read(self):
        connection = self.active_connection()
        name = connection["role_arn"].split("/")[-1]
        seen = self.sandbox.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        sha256 = self.check(connection, "trust_policy")["evidence"]["trust_policy_sha256"]
        self.assertRegex(sha256, "^[0-9a-f]{64}$")
        self.sandbox.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(seen, indent=1))
        self.verify(connection)
        self.assertEqual(self.check(connection, "trust_policy")["evidence"]["trust_policy_sha256"],
                         hashlib.sha256(json.dumps(seen, indent=1).encode()).hexdigest())

    def test_a_role_that_cannot_be_read_is_probed_and_told_how_to_be_proved(self):
        connection = self.connect()
        self.give_role(connection, self.make_role("reader", trust(connection["external_id"])))
        self.assertEqual(self.wait_for_state(connection, "active")["proof"], "probed")
        skipped = self.check(connection, "trust_policy")
        self.assertEqual((skipped["result"], skipped["evidence"]["aws_error_code"]), ("skipped", "AccessDenied"))
        # The mend is a policy that does it.
        self.sandbox.client("iam").put_role_policy(RoleName="reader", PolicyName="self-read", PolicyDocument=skipped["mend"])
        self.assertEqual(self.verify(connection)["proof"], "proved")

    def test_only_a_proof_activates_where_proof_is_required(self):
        connection = self.connect()
        self.define_integration(require_proof=True)
        connection = self.deputy.must("POST", "/v1/connections", {"tenant_id": connection["tenant_id"], "integration": "log-reader"})
        role = self.make_role("reader", trust(connection["external_id"]))
        self.give_role(connection, role)
        self.wait_for_state(connection, "rejected")
        unread = self.check(connection, "trust_policy")
        self.assertEqual(unread["result"], "failed")
        self.sandbox.client("iam").put_role_policy(RoleName="reader", PolicyName="self-read", PolicyDocument=unread["mend"])
        self.give_role(connection, role)
        self.assertEqual(self.wait_for_state(connection, "active")["proof"], "proved")
        self.sandbox.client("iam").delete_role_policy(RoleName="reader", PolicyName="self-read")
        self.verify(connection)
        self.assertEqual(self.state(connection), "suspended")

    def test_a_door_that_no_probe_sees_is_found_with_its_witness_and_mend(self):
        connection = self.connect()
        role = self.make_role("reader", with_a_door(connection["external_id"]), readable=True)
        self.give_role(connection, role)
        self.assertEqual(self.wait_for_state(connection, "rejected")["proof"], "none")
        results = {check["name"]: check["result"] for check in self.verification(connection)["checks"]}
        self.assertEqual({name for name, result in results.items() if result == "failed"}, {"trust_policy"})
        found = self.check(connection, "trust_policy")
        self.assertIn("without any external ID", found["message"])
        self.assertIn("aws:CurrentTime", found["message"])
        self.sandbox.client("iam").update_assume_role_policy(RoleName="reader", PolicyDocument=found["mend"])
        self.give_role(connection, role)
        self.assertEqual(self.wait_for_state(connection, "active")["proof"], "proved")

    def test_a_door_that_is_added_later_suspends(self):
        connection = self.active_connection()
        name = connection["role_arn"].split("/")[-1]
        self.sandbox.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=with_a_door(connection["external_id"]))
        self.assertEqual(self.verify(connection)["outcome"], "failed")
        self.assertEqual(self.state(connection), "suspended")

    def test_throttling_of_iam_is_no_finding(self):
        connection = self.active_connection()
        self.sandbox.misbehave({"kind": "throttle", "service": "iam"})
        verification = self.verify(connection, seconds=60)
        self.assertEqual(verification["outcome"], "inconclusive", verification)
        self.assertEqual(self.state(connection), "active")

    def test_what_is_missing_fails_by_name_whether_the_policies_can_be_read_or_not(self):
        less = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
        for name, readable in (("readable", True), ("closed", False)):
            connection = self.connect(name)
            role = self.make_role(name, trust(connection["external_id"]), readable=readable, needs=less)
            self.give_role(connection, role)
            self.wait_for_state(connection, "rejected")
            missing = self.check(connection, "permissions")
            self.assertEqual(missing["result"], "failed")
            self.assertIn("`s3:ListAllMyBuckets`", missing["message"])
            self.assertNotIn("logs:FilterLogEvents", missing["message"])
            self.assertEqual(self.check(connection, "trust_policy")["result"], "passed" if readable else "skipped")
            self.sandbox.client("iam").put_role_policy(RoleName=name, PolicyName="mended", PolicyDocument=missing["mend"])
            self.give_role(connection, role)
            self.wait_for_state(connection, "active")
            self.deputy.call("DELETE", f"/v1/connections/{connection['id']}")

    def test_what_is_beyond_is_a_note_unless_the_partner_says_that_it_fails(self):
        connection = self.active_connection()
        name = connection["role_arn"].split("/")[-1]
        iam = self.sandbox.client("iam")
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(ALLOW_ALL))
        self.assertEqual(self.verify(connection)["outcome"], "passed")
        self.assertIn("`*` on `*` (policy `own`)", self.check(connection, "permissions")["message"])
        self.restart(DEPUTY_VERIFICATION__EXCESS="fail")
        self.assertEqual(self.verify(connection)["outcome"], "failed")
        self.assertEqual(self.state(connection), "suspended")
        # Within a boundary that is narrow it cannot be used. The role must be let read the boundary.
        edge = iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            *NEEDS["Statement"], {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"}]}))["Policy"]["Arn"]
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=edge)
        self.assertEqual(self.verify(connection)["outcome"], "passed", self.verification(connection))

    def test_attached_policies_are_read_where_that_is_allowed(self):
        connection = self.connect()
        role = self.make_role("reader", trust(connection["external_id"]), readable=True, needs=None)
        iam = self.sandbox.client("iam")
        iam.attach_role_policy(RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        self.give_role(connection, role)
        self.wait_for_state(connection, "active")
        # ReadOnlyAccess lets the role read itself, attached policies included: all it grants beyond is told.
        told = self.check(connection, "permissions")["message"]
        self.assertIn("(policy `arn:aws:iam::aws:policy/ReadOnlyAccess`)", told)
        self.assertNotIn("not read", told)

    def verify_role(self, role, external_id, *more):
        done = subprocess.run([BINARY, "verify", "--role-arn", role, "--external-id", external_id, "--region", REGION, "--output", "json", *more],
                              env=self.deputy.environment(**self.sandbox.partner_session()), capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout)

    def test_the_command_proves_too(self):
        external_id = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        role = self.make_role("reader", trust(external_id), readable=True)
        status, report = self.verify_role(role, external_id)
        self.assertEqual((status, report["outcome"], report["proof"]), (0, "passed", "proved"))
        status, report = self.verify_role(role, external_id, "--principal", "arn:aws:iam::111111111111:role/another")
        self.assertNotEqual((status, report["proof"]), (0, "proved"))
        open_role = self.make_role("door", with_a_door(external_id), readable=True)
        status, report = self.verify_role(open_role, external_id, "--principal", PARTNER_ROLE)
        self.assertEqual((status, report["outcome"], report["proof"]), (1, "failed", "none"))
        needs = os.path.join(self.folder, "needs.json")
        with open(needs, "w") as file:
            json.dump({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}, file)
        status, report = self.verify_role(role, external_id, "--policy", needs)
        self.assertEqual(status, 1)
        failed = [check for check in report["checks"] if check["result"] == "failed"]
        self.assertEqual([check["name"] for check in failed], ["permissions"])
        self.assertIn("s3:GetObject", failed[0]["message"])


if __name__ == "__main__":
    unittest.main()
