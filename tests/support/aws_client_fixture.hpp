#pragma once

#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_loop.hpp"

#include <gtest/gtest.h>

#include "aws/caller.hpp"

namespace deputy {

// What a client of one of AWS's services stands on: scripted answers, a clock that stands still, AWS's own
// addresses.
class AwsClientFixture : public testing::Test {
 protected:
  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeTransport transport;
  aws::Endpoints endpoints = aws::Endpoints::of_aws();
  aws::Caller caller{loop, clock, random, transport, endpoints, {}};
};

}  // namespace deputy
