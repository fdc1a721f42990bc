#include "policy/trust_mend.hpp"

#include <gmock/gmock.h>

#include "policy/analyzer_test_shapes.hpp"

namespace deputy::policy {
namespace {

TEST(AnalyzerMend, KeepsWhatIsNotAtFault) {
  const std::string document = document_of(
      R"({"Sid":"Partner","Effect":"Allow","Principal":{"AWS":["@BROKER","arn:aws:iam::222222222222:root","999999999999"],"Service":"ec2.amazonaws.com"},)"
      R"("Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringLike":{"sts:ExternalId":"4f*"},"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}},)" +
      deny(R"({"Bool":{"aws:SecureTransport":"false"}})"));
  const TrustAnalysis analysis = analyze(document, question());
  EXPECT_EQ(analysis.mend, R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Partner",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111111111111:role/deputy-broker"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:SetSourceIdentity"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        },
        "IpAddress": {
          "aws:SourceIp": "198.51.100.0/24"
        }
      }
    },
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "222222222222",
        "Service": "ec2.amazonaws.com"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:SetSourceIdentity"
      ],
      "Condition": {
        "StringLike": {
          "sts:ExternalId": "4f*"
        },
        "IpAddress": {
          "aws:SourceIp": "198.51.100.0/24"
        }
      }
    },
    {
      "Effect": "Deny",
      "Principal": {
        "AWS": "*"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "false"
        }
      }
    }
  ]
}
)");
}

TEST(AnalyzerMend, IsPlainWhereEditingDoesNotHelp) {
  const TrustAnalysis analysis = analyze(document_of(deny("")), question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::denied);
  EXPECT_EQ(analysis.mend, R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111111111111:role/deputy-broker"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        }
      }
    }
  ]
}
)");
}

}  // namespace
}  // namespace deputy::policy
