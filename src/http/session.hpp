#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/admission.hpp"
#include "http/channel.hpp"
#include "http/message.hpp"
#include "http/readiness.hpp"
#include "http/request_reader.hpp"

namespace deputy::http {

class Service;

// Who is at the other end.
struct Peer {
  std::string address;                   // without port; `unix` for one on this machine's socket
  std::optional<std::uint32_t> user_id;  // known over a Unix socket alone
};

// One connection: reads a request, has it answered, writes the response, and again. Owned by the service
// until it closes, and by what it waits for. Never reads ahead while a request is being handled: a client
// that floods is held by TCP.
class Session final : public std::enable_shared_from_this<Session>, private Readiness::Watcher {
 public:
  Session(std::shared_ptr<Service> service, std::shared_ptr<Channel> channel, Peer peer);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Enters itself in the service.
  void start();
  // Answers 503 whatever the client says.
  void start_refused();

  void check_deadline(std::chrono::steady_clock::time_point now);
  // Closes at once between requests, else after the response that is due. A request that is still coming has
  // `finish_timeout` left.
  void finish();
  // Ends the connection with a reset; a response that is still made is dropped.
  void cut();

  // Since when nothing has come from the client, while it is between requests.
  std::optional<std::chrono::steady_clock::time_point> idle_since() const;

  std::size_t place = 0;  // the service's

 private:
  enum class Phase { handshake, idle, header, body, handling, writing, lingering, closed };
  using Time = std::chrono::steady_clock::time_point;

  void on_ready(Readiness::Ready ready) override;
  void enter(Phase phase, std::chrono::milliseconds timeout);
  bool open();
  void shake_hands();
  void on_shaken(Channel::Wait wait);
  bool is_reading() const;
  void read();
  bool read_once();
  void read_later();
  void advance();
  bool step();
  void expect_more();
  bool charge_body();
  void dispatch();
  static Task<void> answer(std::shared_ptr<Session> session, Request request, Admission::Place place);
  void respond(Response response);
  void refuse(int status);
  void send(Response response);
  bool send_continue();
  void write();
  void written();
  void forget_response();
  void linger();
  void close();

  const std::shared_ptr<Service> service_;
  std::shared_ptr<Channel> channel_;
  const Peer peer_;
  RequestReader reader_;
  Phase phase_ = Phase::header;
  Time deadline_ = Time::max();
  bool readable_ = false;  // the descriptor may have more
  bool ended_ = false;     // the client has ended its side
  bool shaking_ = false;   // a step of the handshake is under way
  bool reading_ = false;
  bool advancing_ = false;
  bool refused_ = false;  // counted among the service's sessions_refused
  bool to_head_ = false;
  bool keep_alive_ = true;
  std::size_t charged_bytes_ = 0;
  Response response_;
  std::string header_;    // of the response; its memory is used again
  std::size_t sent_ = 0;  // bytes of header and body
};

}  // namespace deputy::http
