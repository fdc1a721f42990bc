#!/bin/sh
# Made for Acme GmbH (ten_aaaabbbbccccddddeeeeffff) alone: if you are not Acme GmbH, do not use this. Gives the integration log-reader (version 3) access to this AWS account, connection con_gggghhhhiiiijjjjkkkkllll. Reads CloudWatch Logs and lists S3 buckets.
# Template version 1. Needs the AWS CLI, signed in to the account that is to be connected.
# Permission: To collect the log events that you ask us to watch.
# Permission: To offer your buckets as places for exports.
set -eu
export AWS_PAGER=

role_name='AcmeLogReader'
connection='con_gggghhhhiiiijjjjkkkkllll'
description='Made for Acme GmbH (ten_aaaabbbbccccddddeeeeffff) alone: if you are not Acme GmbH, do not use this. Gives the integration log-reader (version 3) access to this AWS account, connection con_gggghhhhiiiijjjjkkkkllll. Reads CloudWatch Logs and lists S3 buckets.'
tags='[{"Key":"deputy:tenant","Value":"ten_aaaabbbbccccddddeeeeffff"},{"Key":"deputy:tenant-name","Value":"Acme GmbH"},{"Key":"deputy:connection","Value":"con_gggghhhhiiiijjjjkkkkllll"},{"Key":"deputy:integration","Value":"log-reader"},{"Key":"deputy:integration-version","Value":"3"}]'
session_seconds_max=43200
trust_policy='{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "DeputyWithExternalId",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:root"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": [
            "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
            "0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7"
          ]
        },
        "ArnEquals": {
          "aws:PrincipalArn": "arn:aws:iam::111122223333:role/partner/deputy.broker"
        }
      }
    }
  ]
}'

identity=$(aws sts get-caller-identity --query Arn --output text)
partition=$(printf '%s' "$identity" | cut -d: -f2)

made_for=$(aws iam get-role --role-name "$role_name" --query "Role.Tags[?Key=='deputy:connection'].Value | [0]" --output text 2>/dev/null || true)
if [ "$made_for" = "$connection" ]; then
  echo "Updating the role $role_name" >&2
  aws iam update-assume-role-policy --role-name "$role_name" --policy-document "$trust_policy"
else
  echo "Creating the role $role_name" >&2
  aws iam create-role --role-name "$role_name" --description "$description" --tags "$tags" \
    --max-session-duration "$session_seconds_max" --assume-role-policy-document "$trust_policy" >/dev/null
fi
role_arn=$(aws iam get-role --role-name "$role_name" --query Role.Arn --output text)
aws iam put-role-policy --role-name "$role_name" --policy-name deputy-permissions --policy-document '{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadLogs",
      "Effect": "Allow",
      "Action": [
        "logs:DescribeLogGroups",
        "logs:FilterLogEvents"
      ],
      "Resource": "arn:'"$partition"':logs:*:*:log-group:*"
    },
    {
      "Sid": "ListBuckets",
      "Effect": "Allow",
      "Action": "s3:ListAllMyBuckets",
      "Resource": "*"
    },
    {
      "Sid": "OwnFolder",
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": [
        "arn:'"$partition"':s3:::logs/${aws:PrincipalTag/team}/*"
      ],
      "Condition": {
        "Null": {
          "aws:PrincipalTag/team": "false"
        },
        "NumericLessThan": {
          "s3:TlsVersion": [
            1.3
          ]
        }
      }
    }
  ]
}'
echo "Give this ARN to the partner:" >&2
printf '%s\n' "$role_arn"
