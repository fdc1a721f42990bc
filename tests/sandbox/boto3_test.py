"""boto3 against the sandbox, as it is against AWS."""

import json
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox_host import (ADMIN_KEY, CUSTOMER, EXTERNAL_ID, PARTNER, PARTNER_KEY, WRONG_EXTERNAL_ID, expect_equal,
                          reader_policy, run, trust_policy)

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def client(host, service, key, token=None, region="us-east-1", config=ONCE):
    return boto3.client(service, endpoint_url=host.url, region_name=region, aws_access_key_id=key[0],
                        aws_secret_access_key=key[1], aws_session_token=token, config=config)


def with_credentials(host, service, credentials, region="us-east-1"):
    return client(host, service, (credentials["AccessKeyId"], credentials["SecretAccessKey"]), credentials["SessionToken"], region)


def expect_error(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        expect_equal(error.response["Error"]["Code"], code)
        return error.response["Error"]["Message"]
    raise AssertionError(f"there was no {code}")


def create_role(host, name, external_id):
    iam = client(host, "iam", ADMIN_KEY)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust_policy(external_id)),
                           Description="test & <test>", Tags=[{"Key": "made-by", "Value": "a test + Größe"}])["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="reader", PolicyDocument=json.dumps(reader_policy()))
    return role["Arn"]


def assume(host, arn, **arguments):
    sts = client(host, "sts", PARTNER_KEY)
    return sts.assume_role(RoleArn=arn, RoleSessionName="boto3-test", **arguments)


def a_role_is_assumed_with_its_external_id_alone(host):
    arn = create_role(host, "reader", EXTERNAL_ID)
    sts = client(host, "sts", PARTNER_KEY)
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="boto3-test", ExternalId=EXTERNAL_ID)
    expect_equal(answer["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{CUSTOMER}:assumed-role/reader/boto3-test")
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    expected = (f"User: arn:aws:iam::{PARTNER}:user/deputy-broker is not authorized to perform: sts:AssumeRole on resource: ")
    named = dict(RoleArn=arn, RoleSessionName="boto3-test")
    expect_equal(expect_error("AccessDenied", sts.assume_role, **named), expected + arn)
    expect_equal(expect_error("AccessDenied", sts.assume_role, ExternalId=WRONG_EXTERNAL_ID, **named), expected + arn)
    expect_equal(expect_error("AccessDenied", sts.assume_role, ExternalId=EXTERNAL_ID.upper(), **named), expected + arn)
    nobody = arn.replace("reader", "nobody")
    expect_equal(expect_error("AccessDenied", sts.assume_role, RoleArn=nobody, RoleSessionName="boto3-test"), expected + nobody)
    me = with_credentials(host, "sts", answer["Credentials"]).get_caller_identity()
    expect_equal((me["Account"], me["Arn"]), (CUSTOMER, answer["AssumedRoleUser"]["Arn"]))


def a_role_is_shown_changed_and_deleted(host):
    create_role(host, "reader", EXTERNAL_ID)
    iam = client(host, "iam", ADMIN_KEY)
    role = iam.get_role(RoleName="reader")["Role"]
    expect_equal(role["AssumeRolePolicyDocument"], trust_policy(EXTERNAL_ID))
    expect_equal(role["Description"], "test & <test>")
    expect_equal(iam.list_role_tags(RoleName="reader")["Tags"], [{"Key": "made-by", "Value": "a test + Größe"}])
    expect_equal([role["RoleName"] for role in iam.list_roles()["Roles"]], ["reader", "seeded"])
    pages = iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1})
    expect_equal([role["RoleName"] for page in pages for role in page["Roles"]], ["reader", "seeded"])
    expect_equal(iam.list_role_policies(RoleName="reader")["PolicyNames"], ["reader"])
    expect_equal(iam.get_role_policy(RoleName="reader", PolicyName="reader")["PolicyDocument"], reader_policy())
    expect_equal(iam.list_attached_role_policies(RoleName="reader")["AttachedPolicies"], [])
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=json.dumps(trust_policy(None)))
    assume(host, role["Arn"])
    iam.update_role(RoleName="reader", MaxSessionDuration=7200)
    expect_equal(iam.get_role(RoleName="reader")["Role"]["MaxSessionDuration"], 7200)
    expect_error("DeleteConflict", iam.delete_role, RoleName="reader")
    iam.delete_role_policy(RoleName="reader", PolicyName="reader")
    iam.delete_role(RoleName="reader")
    expect_error("NoSuchEntity", iam.get_role, RoleName="reader")
    expect_error("MalformedPolicyDocument", iam.create_role, RoleName="x", AssumeRolePolicyDocument="{}")
    expect_error("InvalidAction", iam.list_users)


def a_session_may_do_what_its_role_allows(host):
    credentials = assume(host, create_role(host, "reader", EXTERNAL_ID), ExternalId=EXTERNAL_ID)["Credentials"]
    s3 = with_credentials(host, "s3", credentials)
    expect_equal([bucket["Name"] for bucket in s3.list_buckets()["Buckets"]], ["acme-backups", "acme-invoices"])
    expect_error("AccessDenied", s3.create_bucket, Bucket="not-allowed")
    expect_error("AccessDenied", with_credentials(host, "iam", credentials).list_roles)
    nothing = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    arn = f"arn:aws:iam::{CUSTOMER}:role/reader"
    narrowed = assume(host, arn, ExternalId=EXTERNAL_ID, Policy=nothing, DurationSeconds=900)["Credentials"]
    expect_error("AccessDenied", with_credentials(host, "s3", narrowed).list_buckets)
    expect_error("ValidationError", assume, host=host, arn=arn, ExternalId=EXTERNAL_ID, DurationSeconds=7200)
    expect_error("MalformedPolicyDocument", assume, host=host, arn=arn, ExternalId=EXTERNAL_ID, Policy="{")


def buckets_are_made_and_belong_to_one_account(host):
    s3 = client(host, "s3", ADMIN_KEY)
    s3.create_bucket(Bucket="acme-new")
    assert "acme-new" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    europe = client(host, "s3", ADMIN_KEY, region="eu-central-1")
    europe.create_bucket(Bucket="acme-europe", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    expect_error("IllegalLocationConstraintException", europe.create_bucket, Bucket="acme-other")
    expect_error("InvalidBucketName", s3.create_bucket, Bucket="Acme_Upper")
    s3.put_object(Bucket="acme-new", Key="key", Body=b"text")
    expect_equal(s3.get_object(Bucket="acme-new", Key="key")["Body"].read(), b"text")
    expect_error("NotImplemented", s3.delete_object, Bucket="acme-new", Key="key")


def log_events_are_put_and_read(host):
    logs = client(host, "logs", ADMIN_KEY, region="eu-central-1")
    logs.create_log_group(logGroupName="/acme/web")
    logs.create_log_stream(logGroupName="/acme/web", logStreamName="one")
    logs.create_log_stream(logGroupName="/acme/web", logStreamName="two")
    now = int(time.time() * 1000)
    for stream, offset in (("one", 0), ("two", 1)):
        logs.put_log_events(logGroupName="/acme/web", logStreamName=stream, logEvents=[
            {"timestamp": now + 2 * i + offset, "message": f"event {2 * i + offset} ERROR" if i % 2 else f"event {2 * i + offset}"}
            for i in range(10)])
    credentials = assume(host, create_role(host, "reader", EXTERNAL_ID), ExternalId=EXTERNAL_ID)["Credentials"]
    reader = with_credentials(host, "logs", credentials, "eu-central-1")
    expect_equal([group["logGroupName"] for group in reader.describe_log_groups()["logGroups"]], ["/acme/web"])
    pages = reader.get_paginator("filter_log_events").paginate(logGroupName="/acme/web", PaginationConfig={"PageSize": 3})
    events = [event for page in pages for event in page["events"]]
    expect_equal([event["timestamp"] - now for event in events], list(range(20)))
    expect_equal(len({event["eventId"] for event in events}), 20)
    found = reader.filter_log_events(logGroupName="/acme/web", filterPattern="ERROR", startTime=now + 2, endTime=now + 6)["events"]
    expect_equal([event["timestamp"] - now for event in found], [2, 3, 6])
    expect_error("AccessDeniedException", reader.filter_log_events, logGroupName="/other")
    expect_error("AccessDeniedException", reader.create_log_group, logGroupName="/acme/new")
    expect_error("ResourceNotFoundException", reader.filter_log_events, logGroupName="/acme/none")
    expect_error("InvalidParameterException", reader.filter_log_events, logGroupName="/acme/web", filterPattern="{ $.a = 1 }")
    expect_error("UnknownOperationException", logs.describe_queries)


def a_request_that_is_signed_wrongly_is_refused(host):
    expect_error("InvalidClientTokenId", client(host, "sts", ("AKIANOBODY0000000000", "x")).get_caller_identity)
    expect_error("SignatureDoesNotMatch", client(host, "sts", (PARTNER_KEY[0], "x")).get_caller_identity)
    expect_error("InvalidAccessKeyId", client(host, "s3", ("AKIANOBODY0000000000", "x")).list_buckets)
    expect_error("UnrecognizedClientException", client(host, "logs", ("AKIANOBODY0000000000", "x")).describe_log_groups)
    credentials = assume(host, f"arn:aws:iam::{CUSTOMER}:role/seeded", ExternalId=EXTERNAL_ID)["Credentials"]
    key = (credentials["AccessKeyId"], credentials["SecretAccessKey"])
    expect_error("InvalidClientTokenId", client(host, "sts", key).get_caller_identity)
    expect_error("InvalidClientTokenId", client(host, "sts", key, credentials["SessionToken"] + "x").get_caller_identity)


def it_misbehaves_on_request(host):
    sts = client(host, "sts", PARTNER_KEY)
    host.misbehave({"kind": "throttle", "service": "sts", "operation": "GetCallerIdentity", "per_second": 0, "count": 1})
    expect_equal(expect_error("Throttling", sts.get_caller_identity), "Rate exceeded")
    sts.get_caller_identity()
    host.misbehave({"kind": "server_error", "status": 500, "count": 1})
    expect_error("InternalFailure", sts.get_caller_identity)
    host.misbehave({"kind": "cut_connection", "count": 1})
    patient = client(host, "sts", PARTNER_KEY, config=Config(retries={"max_attempts": 3, "mode": "standard"}))
    patient.get_caller_identity()
    host.misbehave()
    sts.get_caller_identity()


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Description: Access for the partner
Parameters:
  PartnerPrincipal: {Type: String, Default: "arn:aws:iam::111111111111:user/deputy-broker", AllowedPattern: "^arn:.*$"}
  ExternalId: {Type: String, AllowedPattern: "^[0-9a-f-]{36}$", ConstraintDescription: must be as issued}
  AllowSelfRead: {Type: String, Default: "true", AllowedValues: ["true", "false"]}
Conditions:
  SelfReadAllowed: !Equals [!Ref AllowSelfRead, "true"]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      MaxSessionDuration: 3600
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {AWS: !Ref PartnerPrincipal}
            Action: ["sts:AssumeRole", "sts:TagSession"]
            Condition: {StringEquals: {"sts:ExternalId": !Ref ExternalId}}
      Policies:
        - PolicyName: permissions
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - {Effect: Allow, Action: "logs:FilterLogEvents", Resource: !Sub "arn:${AWS::Partition}:logs:*:${AWS::AccountId}:log-group:*"}
  SelfRead:
    Type: AWS::IAM::Policy
    Condition: SelfReadAllowed
    Properties:
      PolicyName: self-read
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: "iam:GetRole", Resource: !GetAtt Role.Arn}]
      Roles: [!Ref Role]
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
"""


def a_stack_makes_changes_and_deletes_a_role(host):
    cloudformation = client(host, "cloudformation", ADMIN_KEY, region="eu-west-1")
    parameters = lambda value: [{"ParameterKey": "ExternalId", "ParameterValue": value}]
    named = dict(StackName="deputy", TemplateBody=TEMPLATE, Parameters=parameters(EXTERNAL_ID))
    expect_error("InsufficientCapabilitiesException", cloudformation.create_stack, **named)
    stack_id = cloudformation.create_stack(Capabilities=["CAPABILITY_IAM"], **named)["StackId"]
    cloudformation.get_waiter("stack_create_complete").wait(StackName="deputy")
    stack = cloudformation.describe_stacks(StackName="deputy")["Stacks"][0]
    expect_equal((stack["StackId"], stack["StackStatus"]), (stack_id, "CREATE_COMPLETE"))
    arn = stack["Outputs"][0]["OutputValue"]
    assert arn.startswith(f"arn:aws:iam::{CUSTOMER}:role/deputy-Role-"), arn
    expect_error("AlreadyExistsException", cloudformation.create_stack, Capabilities=["CAPABILITY_IAM"], **named)

    credentials = assume(host, arn, ExternalId=EXTERNAL_ID, Tags=[{"Key": "run", "Value": "1"}])["Credentials"]
    shown = with_credentials(host, "iam", credentials).get_role(RoleName=arn.split("/")[-1])["Role"]
    expect_equal(shown["AssumeRolePolicyDocument"]["Statement"][0]["Condition"], {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}})

    update = dict(StackName="deputy", UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM"])
    expect_error("ValidationError", cloudformation.update_stack,
                 Parameters=[{"ParameterKey": "ExternalId", "UsePreviousValue": True}], **update)
    message = expect_error("ValidationError", cloudformation.update_stack, Parameters=parameters("mine"), **update)
    assert "must be as issued" in message, message
    cloudformation.update_stack(
        Parameters=parameters(WRONG_EXTERNAL_ID) + [{"ParameterKey": "AllowSelfRead", "ParameterValue": "false"}], **update)
    cloudformation.get_waiter("stack_update_complete").wait(StackName="deputy")
    expect_error("AccessDenied", assume, host=host, arn=arn, ExternalId=EXTERNAL_ID)
    credentials = assume(host, arn, ExternalId=WRONG_EXTERNAL_ID)["Credentials"]
    expect_error("AccessDenied", with_credentials(host, "iam", credentials).get_role, RoleName=arn.split("/")[-1])

    cloudformation.delete_stack(StackName="deputy")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_id)
    expect_error("ValidationError", cloudformation.describe_stacks, StackName="deputy")
    expect_error("AccessDenied", assume, host=host, arn=arn, ExternalId=WRONG_EXTERNAL_ID)
    expect_error("ValidationError", cloudformation.create_stack, StackName="x", Capabilities=["CAPABILITY_IAM"],
                 TemplateBody=TEMPLATE.replace("AWS::IAM::Policy", "AWS::S3::Bucket"), Parameters=parameters(EXTERNAL_ID))


run([
    a_role_is_assumed_with_its_external_id_alone,
    a_role_is_shown_changed_and_deleted,
    a_session_may_do_what_its_role_allows,
    buckets_are_made_and_belong_to_one_account,
    log_events_are_put_and_read,
    a_request_that_is_signed_wrongly_is_refused,
    it_misbehaves_on_request,
    a_stack_makes_changes_and_deletes_a_role,
])
