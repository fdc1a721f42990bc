"""The shell script and the CloudFormation template that Deputy writes, used by real clients against the sandbox: both make a role that the partner
can assume with the external ID alone, and can read only where the customer agrees."""

import json
import os
import pathlib
import subprocess
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "sandbox"))
import sandbox_host
from sandbox_host import ADMIN_KEY, ALLOW_ALL, ENVIRONMENT, PARTNER_KEY, expect_equal

# What Deputy writes for the connection of src/templates/test_roles.hpp; a test there holds them equal.
WRITTEN = HERE.parent.parent / "src" / "templates" / "testdata"
PARTNER, CUSTOMER, STRANGER = "111122223333", "444455556666", "777788889999"
EXTERNAL_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
PARTNER_ROLE = f"arn:aws:iam::{PARTNER}:role/partner/deputy.broker"
ROLE_NAME = "deputy-log-reader-kkkkllll"
ROLE = f"arn:aws:iam::{CUSTOMER}:role/{ROLE_NAME}"
STRANGER_KEY = ("AKIASTRANGER00000000", "stranger/secret+stranger/secret")


def seed():
    user = lambda name, key: {
        "name": name, "access_key_id": key[0], "secret_access_key": key[1], "policies": {"own": ALLOW_ALL}}
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:user/boot"}, "Action": "sts:AssumeRole"}]}
    broker = {"name": "deputy.broker", "path": "/partner/", "trust_policy": trust, "policies": {"own": ALLOW_ALL}}
    return {"accounts": [
        {"id": PARTNER, "users": [user("boot", PARTNER_KEY)], "roles": [broker]},
        {"id": CUSTOMER, "users": [user("admin", ADMIN_KEY)], "buckets": ["acme-invoices"]},
        {"id": STRANGER, "users": [user("admin", STRANGER_KEY)]},
    ]}


def client(host, service, key, token=None):
    return boto3.client(service, endpoint_url=host.url, region_name="us-east-1", aws_access_key_id=key[0], aws_secret_access_key=key[1],
                        aws_session_token=token, config=Config(retries={"total_max_attempts": 1, "mode": "standard"}))


def session_of(host, service, answer):
    credentials = answer["Credentials"]
    return client(host, service, (credentials["AccessKeyId"], credentials["SecretAccessKey"]), credentials["SessionToken"])


def expect_denied(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        expect_equal(error.response["Error"]["Code"], "AccessDenied")
        return
    raise AssertionError("it was not denied")


def run_script(host, key=ADMIN_KEY, **more):
    """As the customer runs it, but that `aws` goes to the sandbox."""
    wrapper = pathlib.Path(host.directory) / "aws"
    wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/aws --endpoint-url {host.url} "$@"\n')
    wrapper.chmod(0o700)
    environment = dict(ENVIRONMENT, AWS_ACCESS_KEY_ID=key[0], AWS_SECRET_ACCESS_KEY=key[1], AWS_MAX_ATTEMPTS="1", **more)
    environment["PATH"] = f"{host.directory}:{os.environ['PATH']}"
    return subprocess.run(["sh", str(WRITTEN / "acme.sh")], env=environment, capture_output=True, text=True, timeout=200)


def broker(host):
    """STS as the partner's role, which customers trust."""
    return session_of(host, "sts", client(host, "sts", PARTNER_KEY).assume_role(RoleArn=PARTNER_ROLE, RoleSessionName="broker"))


def expect_good_role(host, arn, is_readable):
    named = dict(RoleArn=arn, RoleSessionName="probe")
    sts = broker(host)
    for wrong in ({}, {"ExternalId": EXTERNAL_ID.upper()}, {"ExternalId": EXTERNAL_ID + "0"}):
        expect_denied(sts.assume_role, **named, **wrong)
    answer = sts.assume_role(**named, ExternalId=EXTERNAL_ID, Tags=[{"Key": "team", "Value": "red"}])
    buckets = session_of(host, "s3", answer).list_buckets()["Buckets"]
    expect_equal([bucket["Name"] for bucket in buckets], ["acme-invoices"])
    iam = session_of(host, "iam", answer)
    expect_denied(iam.list_roles)
    name = arn.rsplit("/", 1)[1]
    if not is_readable:
        expect_denied(iam.get_role, RoleName=name)
        return
    tags = {tag["Key"]: tag["Value"] for tag in iam.get_role(RoleName=name)["Role"]["Tags"]}
    expect_equal((tags["deputy:tenant-name"], tags["deputy:connection"]), ("Acme GmbH", "con_gggghhhhiiiijjjjkkkkllll"))


def the_script_makes_and_mends_the_role(host):
    expect_equal(run_script(host, ALLOW_SELF_READ="false").stdout, ROLE + "\n")
    expect_good_role(host, ROLE, is_readable=False)
    everyone = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    client(host, "iam", ADMIN_KEY).update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=json.dumps(everyone))
    broker(host).assume_role(RoleArn=ROLE, RoleSessionName="open")
    done = run_script(host)
    expect_equal((done.returncode, done.stdout), (0, ROLE + "\n"))
    expect_good_role(host, ROLE, is_readable=True)


def the_script_touches_nothing_else(host):
    done = run_script(host, key=STRANGER_KEY)
    expect_equal((done.returncode, done.stdout), (1, ""))
    expect_equal(client(host, "iam", STRANGER_KEY).list_roles()["Roles"], [])
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{CUSTOMER}:root"}, "Action": "sts:AssumeRole"}]}
    client(host, "iam", ADMIN_KEY).create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(trust))
    done = run_script(host)
    assert done.returncode != 0 and "EntityAlreadyExists" in done.stderr, done.stderr
    expect_equal(done.stdout, "")
    expect_denied(broker(host).assume_role, RoleArn=ROLE, RoleSessionName="probe", ExternalId=EXTERNAL_ID)


def create_stack(host, **parameters):
    cloudformation = client(host, "cloudformation", ADMIN_KEY)
    cloudformation.create_stack(StackName="deputy", TemplateBody=(WRITTEN / "acme.yaml").read_text(encoding="utf-8"),
                                Capabilities=["CAPABILITY_IAM"],
                                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
    stack = cloudformation.describe_stacks(StackName="deputy")["Stacks"][0]
    expect_equal(stack["StackStatus"], "CREATE_COMPLETE")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}["RoleArn"]


def a_stack_makes_the_role(host):
    expect_good_role(host, create_stack(host), is_readable=True)


def a_stack_can_keep_the_role_unreadable(host):
    expect_good_role(host, create_stack(host, AllowSelfRead="false"), is_readable=False)


def a_link_cannot_put_another_principal_or_id_into_the_template(host):
    for parameters in ({"PartnerPrincipal": f"arn:aws:iam::{STRANGER}:role/mallory"}, {"ExternalId": EXTERNAL_ID.replace("6", "7")}):
        try:
            create_stack(host, **parameters)
        except ClientError as error:
            expect_equal(error.response["Error"]["Code"], "ValidationError")
            continue
        raise AssertionError(f"{parameters} was taken")


sandbox_host.seed = seed
sandbox_host.run([
    the_script_makes_and_mends_the_role,
    the_script_touches_nothing_else,
    a_stack_makes_the_role,
    a_stack_can_keep_the_role_unreadable,
    a_link_cannot_put_another_principal_or_id_into_the_template,
])
