#include "client/credential_cache.hpp"

#include "support/fake_clock.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>

namespace deputy::client {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;

class CacheTest : public ::testing::Test {
 protected:
  CacheTest() { begin_at(folder_.path()); }

  void begin_at(const fs::path& base) {
    auto folder = PrivateFolder::open(base);
    ASSERT_TRUE(folder) << folder.error().message;
    cache_.emplace(
        std::move(folder).value(), clock_, random_, [this](std::chrono::milliseconds time) { paused(time); },
        CredentialCache::Limits{});
  }

  ProcessCredentials living(std::chrono::seconds life) {
    return {.access_key_id = "ASIA" + std::to_string(++asked_),
            .secret_access_key = SecretString{"canary-secret"},
            .session_token = SecretString{"canary-token"},
            .expires_at = clock_.now() + life};
  }
  // The access key ID that came of it.
  std::string get(const std::string& key = "k", std::chrono::seconds life = minutes{60}) {
    const auto got = cache_->get(
        key, [this, life]() -> Obtained { return living(life); },
        [this](const Error& error) { warnings_.push_back(error.message); });
    return got ? got.value().access_key_id : "refused: " + got.error().message;
  }

  fs::path entries() const { return folder_.path() / "deputy" / "credentials"; }
  fs::path entry() const { return entries() / "k.json"; }
  std::vector<std::string> names(const std::string& extension) const {
    std::vector<std::string> found;
    for (const auto& file : fs::directory_iterator{entries()})
      if (file.path().extension() == extension) found.push_back(file.path().filename());
    std::ranges::sort(found);
    return found;
  }
  static unsigned mode(const fs::path& path) {
    return static_cast<unsigned>(fs::symlink_status(path).permissions() & fs::perms::mask);
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  SystemRandom random_;
  std::function<void(std::chrono::milliseconds)> paused = [this](std::chrono::milliseconds time) {
    clock_.advance(time);
  };
  std::optional<CredentialCache> cache_;
  std::vector<std::string> warnings_;
  int asked_ = 0;
};

TEST_F(CacheTest, AsksOnceAndThenGivesWhatItKept) {
  EXPECT_EQ(get(), "ASIA1");
  EXPECT_EQ(get(), "ASIA1");
  EXPECT_EQ(get("other"), "ASIA2");
  EXPECT_THAT(warnings_, ::testing::IsEmpty());
}

TEST_F(CacheTest, GivesSecretAndTokenBackAsTheyWere) {
  get();
  const auto again = cache_->get("k", [] { return Obtained{Refusal{}}; }, [](const Error&) {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value().secret_access_key.reveal(), "canary-secret");
  EXPECT_EQ(again.value().session_token.reveal(), "canary-token");
  EXPECT_EQ(again.value().expires_at, clock_.now() + minutes{60});
}

TEST_F(CacheTest, NeverHandsOutWithLessThanFifteenMinutesLeft) {
  get();
  clock_.advance(minutes{45});
  EXPECT_EQ(get(), "ASIA1");
  clock_.advance(seconds{1});
  EXPECT_EQ(get(), "ASIA2");
}

TEST_F(CacheTest, DoesNotKeepWhatIsShortLivedFromTheStart) {
  EXPECT_EQ(get("k", minutes{15}), "ASIA1");
  EXPECT_EQ(get("k", minutes{15}), "ASIA2");
  EXPECT_THAT(names(".json"), ::testing::IsEmpty());
}

TEST_F(CacheTest, AClockThatWasSetBackMakesNothingLiveLonger) {
  get();
  clock_.jump(-minutes{10});
  EXPECT_EQ(get(), "ASIA2");
}

TEST_F(CacheTest, EverythingIsForThisUserAlone) {
  ::umask(0);
  get();
  EXPECT_EQ(mode(folder_.path() / "deputy"), 0700U);
  EXPECT_EQ(mode(entries()), 0700U);
  for (const auto& file : fs::directory_iterator{entries()})
    EXPECT_EQ(mode(file.path()), 0600U) << file.path();
}

TEST_F(CacheTest, AnEntryThatOthersCouldReadIsNotUsed) {
  get();
  fs::permissions(entry(), fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(get(), "ASIA2");
  ASSERT_FALSE(warnings_.empty());
  EXPECT_THAT(warnings_[0], ::testing::HasSubstr("its mode is 0640, 0600 would be right"));
}

TEST_F(CacheTest, ASymbolicLinkIsNotFollowed) {
  get();
  fs::rename(entry(), folder_.path() / "elsewhere");
  fs::create_symlink(folder_.path() / "elsewhere", entry());
  EXPECT_EQ(get(), "ASIA2");
  EXPECT_THAT(warnings_, ::testing::Contains(::testing::HasSubstr("symbolic link")));
}

TEST_F(CacheTest, ASecondNameOfAnEntryGivesItAway) {
  get();
  fs::create_hard_link(entry(), folder_.path() / "elsewhere");
  EXPECT_EQ(get(), "ASIA2");
}

TEST_F(CacheTest, APipeInPlaceOfAnEntryHoldsNobodyUp) {
  ASSERT_EQ(::mkfifo(entry().c_str(), 0600), 0);
  EXPECT_EQ(get(), "ASIA1");
}

TEST_F(CacheTest, AnEntryUnderAnothersNameIsNotUsed) {
  get("other");
  fs::rename(entries() / "other.json", entry());
  EXPECT_EQ(get(), "ASIA2");
}

TEST_F(CacheTest, WhatIsNoEntryIsReplaced) {
  for (const std::string content : {"", "{", "[]", R"({"version":1})", R"({"version":2,"key":"k"})"}) {
    std::ofstream{entry()} << content;
    fs::permissions(entry(), fs::perms{0600});
    const std::string got = get();
    EXPECT_EQ(got, "ASIA" + std::to_string(asked_)) << content;
    EXPECT_EQ(get(), got);
    fs::remove(entry());
  }
}

TEST_F(CacheTest, AFolderThatIsNotPrivateIsRefusedAndLeftAlone) {
  fs::permissions(entries(), fs::perms{0755});
  const auto refused = PrivateFolder::open(folder_.path());
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("its mode is 0755, 0700 would be right"));
  EXPECT_EQ(mode(entries()), 0755U);
}

TEST_F(CacheTest, AFolderThatIsASymbolicLinkIsRefused) {
  const TemporaryFolder other;
  fs::create_directory(other.path() / "real");
  fs::permissions(other.path() / "real", fs::perms{0700});
  fs::create_symlink(other.path() / "real", other.path() / "deputy");
  const auto refused = PrivateFolder::open(other.path());
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
}

TEST_F(CacheTest, AFolderOfAnotherUsersIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(::chown(entries().c_str(), 12345, 12345), 0);
  const auto refused = PrivateFolder::open(folder_.path());
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("belongs to another user"));
}

TEST_F(CacheTest, WithoutAPlaceThereIsNoCache) {
  EXPECT_EQ(PrivateFolder::open(folder_.path() / "no" / "such").error().kind, ErrorKind::not_found);
  EXPECT_EQ(cache_home("/x", "/home/a"), fs::path{"/x"});
  EXPECT_EQ(cache_home("relative", "/home/a"), fs::path{"/home/a/.cache"});
  EXPECT_EQ(cache_home(std::nullopt, std::nullopt), std::nullopt);
}

TEST_F(CacheTest, WhatIsUselessIsRemoved) {
  get("first", minutes{20});
  get("second", minutes{60});
  EXPECT_THAT(names(".json"), ::testing::ElementsAre("first.json", "second.json"));
  std::ofstream{entries() / "left.draft"} << "half";
  clock_.advance(minutes{6});
  fs::last_write_time(entries() / "left.draft",
                      std::chrono::file_clock::from_sys(std::chrono::sys_seconds{seconds{1}}));
  get("third");
  EXPECT_THAT(names(".json"), ::testing::ElementsAre("second.json", "third.json"));
  EXPECT_THAT(names(".draft"), ::testing::IsEmpty());
}

TEST_F(CacheTest, NoDraftIsLeft) {
  get();
  EXPECT_THAT(names(".draft"), ::testing::IsEmpty());
}

// The lock is held by another open file: flock tells them apart as it tells processes apart.
class JoiningTest : public CacheTest {
 protected:
  JoiningTest() : lock_(::open((entries() / "k.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    EXPECT_EQ(::flock(lock_.get(), LOCK_EX | LOCK_NB), 0);
  }
  void release() { lock_ = FileDescriptor{}; }
  FileDescriptor lock_;
};

TEST_F(JoiningTest, WaitsForTheOneThatAsksAndTakesItsAnswer) {
  paused = [this](std::chrono::milliseconds time) {
    clock_.advance(time);
    auto folder = PrivateFolder::open(folder_.path());
    const std::string content =
        R"({"version":1,"key":"k","obtained_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T01:00:00Z",)"
        R"("access_key_id":"ASIATHEIRS","secret_access_key":"s","session_token":"t"})";
    ASSERT_TRUE(folder.value().replace("k.json", SecretString{content}, clock_.now() + minutes{45}, random_));
    release();
  };
  EXPECT_EQ(get(), "ASIATHEIRS");
  EXPECT_EQ(asked_, 0);
}

TEST_F(JoiningTest, SharesARefusalThatCameWhileItWaited) {
  paused = [this](std::chrono::milliseconds time) {
    clock_.advance(time);
    const std::string text =
        std::to_string(clock_.steady_now().time_since_epoch().count()) + " 3\nnot reachable";
    ASSERT_EQ(::pwrite(lock_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    release();
  };
  EXPECT_EQ(get(), "refused: not reachable");
  EXPECT_EQ(asked_, 0);
}

TEST_F(JoiningTest, AnOlderRefusalIsNobodysAnswer) {
  const std::string text =
      std::to_string(clock_.steady_now().time_since_epoch().count() - 1) + " 3\nnot reachable";
  ASSERT_EQ(::pwrite(lock_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  release();
  EXPECT_EQ(get(), "ASIA1");
}

TEST_F(JoiningTest, DoesNotWaitForEver) {
  EXPECT_EQ(get(), "ASIA1");
  EXPECT_THAT(names(".json"), ::testing::IsEmpty()) << "who has no turn keeps nothing";
}

TEST_F(JoiningTest, ALockThatWasSweptAwayMeanwhileIsTakenAnew) {
  bool swept = false;
  paused = [this, &swept](std::chrono::milliseconds time) {
    clock_.advance(time);
    if (std::exchange(swept, true)) return;
    fs::remove(entries() / "k.lock");
    release();
  };
  EXPECT_EQ(get(), "ASIA1");
  EXPECT_TRUE(fs::exists(entries() / "k.lock"));
}

TEST_F(CacheTest, ARefusalIsLeftForThoseWhoWait) {
  const auto refused = cache_->get(
      "k", [] { return Obtained{Refusal{.status = 1, .message = "forbidden"}}; }, [](const Error&) {});
  ASSERT_TRUE(refused.has_error());
  std::ifstream left{entries() / "k.lock"};
  std::string text{std::istreambuf_iterator<char>{left}, {}};
  EXPECT_THAT(text, ::testing::EndsWith(" 1\nforbidden"));
}

TEST(CacheKey, TellsPartsApart) {
  EXPECT_EQ(cache_key({"a", "b"}), cache_key({"a", "b"}));
  EXPECT_NE(cache_key({"a", "b"}), cache_key({"ab", ""}));
  EXPECT_NE(cache_key({"a", "b"}), cache_key({"a", "c"}));
  EXPECT_NE(cache_key({"1:a"}), cache_key({"", "a"}));
}

}  // namespace
}  // namespace deputy::client
