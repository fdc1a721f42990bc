#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "core/file_descriptor.hpp"

namespace deputy::http {

// The bytes of one connection, plain or through TLS. Never blocks: what cannot go on now says what it waits
// for. Owns the descriptor. One thread at a time.
class Channel {
 public:
  enum class Wait {
    none,   // more may be had at once
    ready,  // for the descriptor to become readable or writable
    over,   // the client ended its side, or the connection failed
  };
  struct Moved {
    std::size_t bytes = 0;
    Wait wait = Wait::none;
  };

  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int descriptor() const { return descriptor_.get(); }

  // Whether `shake_hands` has to say `none` before anything can be read or written. It takes the processor
  // for up to a millisecond, so it is called where that holds up nobody; whatever thread that is on.
  virtual bool has_handshake() const { return false; }
  virtual Wait shake_hands() { return Wait::none; }
  // Whether the handshake went on from an earlier one's secrets.
  virtual bool is_resumed() const { return false; }

  // With bytes, `ready` means that nothing is left to read until the descriptor is readable again.
  virtual Moved read(std::span<char> space) = 0;
  // Of `head` and `tail` as one, what the connection takes from `offset` on.
  virtual Moved write(std::string_view head, std::string_view tail, std::size_t offset) = 0;
  // Ends our side, so that the client sees an orderly end. False when the connection is gone.
  virtual bool end_sending() = 0;
  // Reading on after the client ended its side says so: called when the system tells of it.
  void note_end() { peer_ended_ = true; }
  // The next close sends a reset.
  void abort();

 protected:
  explicit Channel(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  // One receive. `wait` as above.
  Moved receive(std::span<char> space);
  // One send.
  Moved transmit(std::string_view head, std::string_view tail);
  bool shut_down_sending() const;

 private:
  FileDescriptor descriptor_;
  bool peer_ended_ = false;
};

std::unique_ptr<Channel> plain_channel(FileDescriptor descriptor);

}  // namespace deputy::http
