#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "http/request_reader.hpp"

namespace deputy::http {

class Service;

// One connection: reads a request, has it answered, writes the response, and again. Kept alive by what it
// waits for (bytes, a handler); in the service's list until it closes. Never reads ahead while a request is
// being handled: a client that floods is held by TCP.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // Takes the descriptor of a connected stream socket, non-blocking.
  Session(std::shared_ptr<Service> service, int descriptor, std::string remote_address);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  // Answers 503 whatever the client says.
  void start_refused();

  void check_deadline(std::chrono::steady_clock::time_point now);
  // Closes at once between requests, else after the response that is due.
  void finish();
  // Ends the connection with a reset; a response that is still made is dropped.
  void cut();

  std::size_t place = 0;  // the service's

 private:
  enum class Phase { idle, header, body, handling, writing, lingering, closed };
  using Time = std::chrono::steady_clock::time_point;

  void enter(Phase phase, std::chrono::milliseconds timeout);
  void read();
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void advance();
  bool step();
  void expect_more();
  bool charge_body();
  void dispatch();
  static Task<void> answer(std::shared_ptr<Session> session, Request request);
  void respond(Response response);
  void refuse(int status);
  void send(Response response);
  bool send_continue();
  void write();
  void written();
  void linger();
  void close();

  const std::shared_ptr<Service> service_;
  boost::asio::generic::stream_protocol::socket socket_;
  const std::string remote_address_;
  RequestReader reader_;
  Phase phase_ = Phase::header;
  Time deadline_ = Time::max();
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
