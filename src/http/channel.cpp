#include "http/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>

namespace deputy::http {
namespace {

bool would_block(int code) {
  return code == EAGAIN || code == EWOULDBLOCK;
}

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(FileDescriptor descriptor) : Channel(std::move(descriptor)) {}

  Moved read(std::span<char> space) override { return receive(space); }
  Moved write(std::string_view head, std::string_view tail, std::size_t offset) override {
    return transmit(head.substr(std::min(offset, head.size())),
                    tail.substr(offset > head.size() ? offset - head.size() : 0));
  }
  bool end_sending() override { return shut_down_sending(); }
};

}  // namespace

Channel::Moved Channel::receive(std::span<char> space) {
  for (;;) {
    const ssize_t size = ::recv(descriptor(), space.data(), space.size(), MSG_DONTWAIT);
    if (size > 0) {
      // A stream that gave less than there was room for has no more; but its end may follow. epoll(7), "Q&A".
      const bool drained = static_cast<std::size_t>(size) < space.size() && !peer_ended_;
      return {static_cast<std::size_t>(size), drained ? Wait::ready : Wait::none};
    }
    if (size == 0) return {0, Wait::over};
    if (errno != EINTR) return {0, would_block(errno) ? Wait::ready : Wait::over};
  }
}

Channel::Moved Channel::transmit(std::string_view head, std::string_view tail) {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                             iovec{const_cast<char*>(tail.data()), tail.size()}};
  msghdr message{};
  message.msg_iov = head.empty() ? parts.data() + 1 : parts.data();
  message.msg_iovlen = static_cast<std::size_t>(head.empty() ? 0 : 1) + (tail.empty() ? 0U : 1U);
  for (;;) {
    const ssize_t sent = ::sendmsg(descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {static_cast<std::size_t>(sent), Wait::none};
    if (errno != EINTR) return {0, would_block(errno) ? Wait::ready : Wait::over};
  }
}

bool Channel::shut_down_sending() const {
  return ::shutdown(descriptor(), SHUT_WR) == 0;
}

void Channel::abort() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

std::unique_ptr<Channel> plain_channel(FileDescriptor descriptor) {
  return std::make_unique<PlainChannel>(std::move(descriptor));
}

}  // namespace deputy::http
