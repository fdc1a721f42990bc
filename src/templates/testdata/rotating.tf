# Made for Acme GmbH (ten_aaaabbbbccccddddeeeeffff) alone: if you are not Acme GmbH, do not use this. Gives the integration log-reader (version 3) access to this AWS account, connection con_gggghhhhiiiijjjjkkkkllll. Reads CloudWatch Logs and lists S3 buckets.
# Template version 1.

terraform {
  required_version = ">= 1.2"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 4.0"
    }
  }
}

data "aws_partition" "current" {}

variable "partner_principal" {
  type        = string
  description = "The one role of the partner's that may assume this role."
  default     = "arn:aws:iam::111122223333:role/partner/deputy.broker"
  validation {
    condition     = var.partner_principal == "arn:aws:iam::111122223333:role/partner/deputy.broker"
    error_message = "The value of partner_principal must stay as issued; ask the partner for a new file instead of changing it."
  }
}

variable "external_id" {
  type        = string
  description = "Issued for this connection alone. The role is refused without it."
  default     = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
  validation {
    condition     = var.external_id == "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    error_message = "The value of external_id must stay as issued; ask the partner for a new file instead of changing it."
  }
}

variable "next_external_id" {
  type        = string
  description = "Accepted beside the other one until the rotation is over."
  default     = "0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7"
  validation {
    condition     = var.next_external_id == "0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7"
    error_message = "The value of next_external_id must stay as issued; ask the partner for a new file instead of changing it."
  }
}

resource "aws_iam_role" "this" {
  name                 = "AcmeLogReader"
  description          = "Made for Acme GmbH (ten_aaaabbbbccccddddeeeeffff) alone: if you are not Acme GmbH, do not use this. Gives the integration log-reader (version 3) access to this AWS account, connection con_gggghhhhiiiijjjjkkkkllll. Reads CloudWatch Logs and lists S3 buckets."
  max_session_duration = 43200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "DeputyWithExternalId"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:root"
        }
        Action = [
          "sts:AssumeRole",
          "sts:TagSession",
        ]
        Condition = {
          StringEquals = {
            "sts:ExternalId" = [
              var.external_id,
              var.next_external_id,
            ]
          }
          ArnEquals = {
            "aws:PrincipalArn" = var.partner_principal
          }
        }
      },
    ]
  })
  tags = {
    "deputy:tenant" = "ten_aaaabbbbccccddddeeeeffff"
    "deputy:tenant-name" = "Acme GmbH"
    "deputy:connection" = "con_gggghhhhiiiijjjjkkkkllll"
    "deputy:integration" = "log-reader"
    "deputy:integration-version" = "3"
  }
}

resource "aws_iam_role_policy" "permissions" {
  name = "deputy-permissions"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # To collect the log events that you ask us to watch.
      {
        Sid = "ReadLogs"
        Effect = "Allow"
        Action = [
          "logs:DescribeLogGroups",
          "logs:FilterLogEvents",
        ]
        Resource = "arn:${data.aws_partition.current.partition}:logs:*:*:log-group:*"
      },
      # To offer your buckets as places for exports.
      {
        Sid = "ListBuckets"
        Effect = "Allow"
        Action = "s3:ListAllMyBuckets"
        Resource = "*"
      },
      {
        Sid = "OwnFolder"
        Effect = "Allow"
        Action = "s3:GetObject"
        Resource = [
          "arn:${data.aws_partition.current.partition}:s3:::logs/$${aws:PrincipalTag/team}/*",
        ]
        Condition = {
          Null = {
            "aws:PrincipalTag/team" = "false"
          }
          NumericLessThan = {
            "s3:TlsVersion" = [
              1.3,
            ]
          }
        }
      },
    ]
  })
}

output "role_arn" {
  description = "Give this ARN to the partner."
  value       = aws_iam_role.this.arn
}
