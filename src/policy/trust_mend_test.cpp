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
        "AWS": "arn:aws:iam::222222222222:root",
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
  EXPECT_THAT(analysis.mend_removed, testing::ElementsAre("statement 1 (`Partner`) for `999999999999`"));
}

TEST(AnalyzerMend, LetsThePartnerPassADenyThatGoesOnDenyingOthers) {
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
    },
    {
      "Effect": "Deny",
      "Principal": {
        "AWS": "*"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": "arn:aws:iam::111111111111:role/deputy-broker"
        }
      }
    }
  ]
}
)");
  EXPECT_THAT(analysis.mend_removed, testing::IsEmpty());
}

TrustAnalysis analysis_of(const std::string& statements, std::string_view version = "2012-10-17") {
  const std::string document = document_of(statements, version);
  TrustAnalysis analysis = analyze(document, question());
  expect_sound(document, question(), analysis);
  return analysis;
}
const std::string service = statement("Allow", R"({"Service":"ec2.amazonaws.com"})", "");

TEST(AnalyzerMend, NarrowsOnlyTheDeniesInTheWay) {
  const std::string contractor =
      statement("Deny", R"({"AWS":"arn:aws:iam::222222222222:user/contractor"})", "");
  const std::string wrong_id =
      statement("Deny", R"({"AWS":"111111111111"})", R"({"StringNotEquals":{"sts:ExternalId":"@OTHER"}})");
  const TrustAnalysis analysis =
      analysis_of(good() + "," + statement("Allow", R"({"AWS":"222222222222"})", "") + "," + contractor +
                  "," + wrong_id + "," + deny(R"({"Bool":{"aws:SecureTransport":"false"}})"));
  EXPECT_EQ(analysis.verdict, TrustVerdict::denied);
  EXPECT_THAT(analysis.mend, testing::HasSubstr("user/contractor"));
  const auto spared = analysis.mend.find("ArnNotEquals");
  EXPECT_NE(spared, std::string::npos);
  EXPECT_EQ(analysis.mend.find("ArnNotEquals", spared + 1), std::string::npos) << analysis.mend;
  EXPECT_THAT(analysis.mend_removed, testing::IsEmpty());
  // One that names the partner alone has nobody else to go on denying.
  const TrustAnalysis alone = analysis_of(good() + "," + statement("Deny", broker, ""));
  EXPECT_THAT(alone.mend, testing::Not(testing::HasSubstr("Deny")));
  EXPECT_THAT(alone.mend_removed, testing::ElementsAre("statement 2, a Deny for the partner alone"));
}

// To find out which Deny it is takes a draft for each: with so many the answer would be a hundredth of a
// second late.
TEST(AnalyzerMend, NarrowsAllOfManyDenies) {
  std::string statements = good() + "," + deny(R"({"StringNotEquals":{"sts:ExternalId":"@OTHER"}})");
  for (int i = 0; i < 20; ++i)
    statements += "," + deny(R"({"StringEquals":{"aws:SourceVpc":"vpc-)" + std::to_string(i) + R"("}})");
  const TrustAnalysis analysis = analysis_of(statements);
  EXPECT_EQ(analysis.verdict, TrustVerdict::denied);
  std::size_t narrowed = 0;
  for (std::size_t at = 0; (at = analysis.mend.find("ArnNotEquals", at)) != std::string::npos; ++at)
    ++narrowed;
  EXPECT_EQ(narrowed, 21U);
}

TEST(AnalyzerMend, KeepsOthersWhereThePartnersConditionsCannotBeMet) {
  for (const char* condition :
       {R"({"StringEquals":{"aws:ExternalId":"@ID"}})",
        R"({"StringLike":{"aws:PrincipalArn":"arn:aws:sts::111111111111:assumed-role/deputy-broker/*"}})"}) {
    const TrustAnalysis analysis = analysis_of(service + "," + allow(condition));
    EXPECT_EQ(analysis.verdict, TrustVerdict::denied);
    EXPECT_THAT(analysis.mend, testing::HasSubstr("ec2.amazonaws.com"));
    EXPECT_THAT(analysis.mend, testing::Not(testing::HasSubstr("aws:ExternalId")));
    EXPECT_THAT(analysis.mend_removed, testing::IsEmpty());
  }
}

TEST(AnalyzerMend, KeepsEveryoneWhereConditionsSayWho) {
  const TrustAnalysis analysis = analysis_of(
      bare() + "," +
      statement("Allow", R"("*")", R"({"StringEquals":{"aws:PrincipalAccount":"222222222222"}})"));
  EXPECT_EQ(analysis.verdict, TrustVerdict::unsafe);
  EXPECT_THAT(analysis.mend, testing::HasSubstr(R"("AWS": "*")"));
  EXPECT_THAT(analysis.mend_removed, testing::IsEmpty());
}

TEST(AnalyzerMend, WritesTheNewVersionUnlessThatChangesAMeaning) {
  EXPECT_THAT(analysis_of(bare(), "2008-10-17").mend, testing::HasSubstr("2012-10-17"));
  EXPECT_THAT(analysis_of(bare() + "," + deny(R"({"StringEquals":{"aws:PrincipalTag/x":"${aws:username}"}})"),
                          "2008-10-17")
                  .mend,
              testing::HasSubstr("2008-10-17"));
}

TEST(AnalyzerMend, IsPlainAndSaysSoWhereNothingElseHelps) {
  const std::string ones(40, '?');
  const TrustAnalysis analysis =
      analysis_of(service + "," + deny(R"({"StringLike":{"sts:RoleSessionName":"*a)" + ones + R"("}})") +
                  "," + allow(R"({"StringLike":{"sts:RoleSessionName":"*a?)" + ones.substr(1) + R"("}})"));
  EXPECT_THAT(analysis.mend_removed, testing::Contains("statement 1"));
  EXPECT_THAT(analysis.mend, testing::Not(testing::HasSubstr("ec2")));
}

}  // namespace
}  // namespace deputy::policy
