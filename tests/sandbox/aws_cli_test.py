"""Debian's AWS CLI against the sandbox, as it is against AWS."""

import json
import os
import subprocess
import time

from sandbox_host import (ADMIN_KEY, CUSTOMER, ENVIRONMENT, EXTERNAL_ID, PARTNER_KEY, WRONG_EXTERNAL_ID, expect_equal,
                          reader_policy, run, trust_policy)

ROLE = f"arn:aws:iam::{CUSTOMER}:role/reader"


def aws(host, key, *arguments, token=None):
    """The parsed output, or the text of the error."""
    environment = dict(ENVIRONMENT, AWS_ACCESS_KEY_ID=key[0], AWS_SECRET_ACCESS_KEY=key[1], AWS_MAX_ATTEMPTS="1")
    if token:
        environment["AWS_SESSION_TOKEN"] = token
    done = subprocess.run(["/usr/bin/aws", "--endpoint-url", host.url, "--output", "json", *arguments],
                          env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        return done.stderr.strip()
    return json.loads(done.stdout) if done.stdout.strip() else {}


def assume(host, *arguments):
    return aws(host, PARTNER_KEY, "sts", "assume-role", "--role-arn", ROLE, "--role-session-name", "cli", *arguments)


def a_role_is_made_assumed_and_used(host):
    made = aws(host, ADMIN_KEY, "iam", "create-role", "--role-name", "reader",
               "--assume-role-policy-document", json.dumps(trust_policy(EXTERNAL_ID)))
    expect_equal(made["Role"]["Arn"], ROLE)
    expect_equal(aws(host, ADMIN_KEY, "iam", "put-role-policy", "--role-name", "reader", "--policy-name", "reader",
                     "--policy-document", json.dumps(reader_policy())), {})
    for arguments in ([], ["--external-id", WRONG_EXTERNAL_ID]):
        error = assume(host, *arguments)
        assert "(AccessDenied)" in error and "sts:AssumeRole on resource: " + ROLE in error, error
    credentials = assume(host, "--external-id", EXTERNAL_ID)["Credentials"]
    key, token = (credentials["AccessKeyId"], credentials["SecretAccessKey"]), credentials["SessionToken"]
    expect_equal(aws(host, key, "sts", "get-caller-identity", token=token)["Arn"],
                 f"arn:aws:sts::{CUSTOMER}:assumed-role/reader/cli")
    buckets = aws(host, key, "s3api", "list-buckets", token=token)["Buckets"]
    expect_equal([bucket["Name"] for bucket in buckets], ["acme-backups", "acme-invoices"])


def log_events_are_put_and_read(host):
    expect_equal(aws(host, ADMIN_KEY, "logs", "create-log-group", "--log-group-name", "/acme/web"), {})
    expect_equal(aws(host, ADMIN_KEY, "logs", "create-log-stream", "--log-group-name", "/acme/web", "--log-stream-name", "one"), {})
    aws(host, ADMIN_KEY, "logs", "put-log-events", "--log-group-name", "/acme/web", "--log-stream-name", "one",
        "--log-events", f"timestamp={int(time.time() * 1000)},message=hello")
    events = aws(host, ADMIN_KEY, "logs", "filter-log-events", "--log-group-name", "/acme/web", "--filter-pattern", "hello")["events"]
    expect_equal([event["message"] for event in events], ["hello"])


def buckets_are_made_and_listed_by_the_high_level_commands(host):
    environment = dict(ENVIRONMENT, AWS_ACCESS_KEY_ID=ADMIN_KEY[0], AWS_SECRET_ACCESS_KEY=ADMIN_KEY[1])
    for arguments, expected in ((["mb", "s3://acme-from-cli"], "make_bucket: acme-from-cli"), (["ls"], "acme-from-cli")):
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", host.url, "s3", *arguments],
                              env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and expected in done.stdout, done


TEMPLATE = """
Parameters:
  ExternalId: {Type: String}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: reader
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: "arn:aws:iam::111111111111:user/deputy-broker"}
            Action: sts:AssumeRole
            Condition: {StringEquals: {"sts:ExternalId": !Ref ExternalId}}
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
"""


def a_stack_is_created_and_deleted(host):
    path = os.path.join(host.directory, "template.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(TEMPLATE)
    create = ["cloudformation", "create-stack", "--stack-name", "deputy", "--template-body", "file://" + path,
              "--parameters", f"ParameterKey=ExternalId,ParameterValue={EXTERNAL_ID}"]
    assert "InsufficientCapabilitiesException" in aws(host, ADMIN_KEY, *create)
    aws(host, ADMIN_KEY, *create, "--capabilities", "CAPABILITY_NAMED_IAM")
    expect_equal(aws(host, ADMIN_KEY, "cloudformation", "wait", "stack-create-complete", "--stack-name", "deputy"), {})
    stack = aws(host, ADMIN_KEY, "cloudformation", "describe-stacks", "--stack-name", "deputy")["Stacks"][0]
    expect_equal(stack["Outputs"], [{"OutputKey": "RoleArn", "OutputValue": ROLE}])
    assert "Credentials" in assume(host, "--external-id", EXTERNAL_ID)
    expect_equal(aws(host, ADMIN_KEY, "cloudformation", "delete-stack", "--stack-name", "deputy"), {})
    assert "(AccessDenied)" in assume(host, "--external-id", EXTERNAL_ID)


run([
    a_role_is_made_assumed_and_used,
    log_events_are_put_and_read,
    buckets_are_made_and_listed_by_the_high_level_commands,
    a_stack_is_created_and_deleted,
])
