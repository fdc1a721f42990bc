#include "http/response_writer.hpp"

#include <gtest/gtest.h>

namespace deputy::http {
namespace {

constexpr ResponseFrame plain{.to_head = false, .keep_alive = true, .date = "today"};

std::string header_of(const Response& response, const ResponseFrame& frame = plain) {
  std::string out = "left over";
  return write_header(response, frame, out) ? out : "refused";
}

Response with_field(std::string name, std::string value, int status = 200) {
  Response response;
  response.status = status;
  response.body = "body";
  response.headers.add(std::move(name), std::move(value));
  return response;
}

TEST(ResponseWriter, WritesFieldsInOrderAndTheFrame) {
  Response response = with_field("Set-Cookie", "a=1", 201);
  response.headers.add("Set-Cookie", "b=2");
  EXPECT_EQ(header_of(response),
            "HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: today\r\nContent-Length: "
            "4\r\n\r\n");
  EXPECT_EQ(header_of(Response{}, {.to_head = false, .keep_alive = false, .date = "today"}),
            "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriter, TheFrameIsNotTheHandlers) {
  for (const char* name : {"Content-Length", "connection", "Transfer-Encoding", "Keep-Alive"}) {
    EXPECT_EQ(header_of(with_field(name, "9")), "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 4\r\n\r\n")
        << name;
  }
  EXPECT_EQ(header_of(with_field("date", "then")),
            "HTTP/1.1 200 OK\r\ndate: then\r\nContent-Length: 4\r\n\r\n");
}

TEST(ResponseWriter, SomeStatusHaveNoContent) {
  for (const int status : {204, 304}) {
    Response response;
    response.status = status;
    response.body = "must not be sent";
    EXPECT_FALSE(sends_body(response, plain));
    EXPECT_EQ(header_of(response).find("Content-Length"), std::string::npos);
  }
}

TEST(ResponseWriter, AnswersToHeadHaveALengthButNoBody) {
  constexpr ResponseFrame to_head{.to_head = true, .keep_alive = true, .date = "today"};
  EXPECT_FALSE(sends_body(with_field("A", "b"), to_head));
  EXPECT_NE(header_of(with_field("A", "b"), to_head).find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_NE(header_of(with_field("Content-Length", "123"), to_head).find("Content-Length: 123\r\n"),
            std::string::npos);
  EXPECT_TRUE(sends_body(with_field("A", "b"), plain));
}

TEST(ResponseWriter, RefusesWhatWouldBreakTheFrame) {
  EXPECT_EQ(header_of(with_field("Location", "/a\r\nSet-Cookie: x")), "refused");
  EXPECT_EQ(header_of(with_field("Location", std::string{"a\0b", 3})), "refused");
  EXPECT_EQ(header_of(with_field("X: y\r\nA", "b")), "refused");
  EXPECT_EQ(header_of(with_field("", "b")), "refused");
  for (const int status : {-1, 0, 100, 199, 600, 1000})
    EXPECT_EQ(header_of(with_field("A", "b", status)), "refused") << status;
}

TEST(DateLine, IsInTheFormOfHttp) {
  DateLine date;
  EXPECT_EQ(date.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
}

}  // namespace
}  // namespace deputy::http
