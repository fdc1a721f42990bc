#pragma once

namespace deputy::app {

struct DemoOptions {
  bool exit = false;    // end after the story instead of staying up for the browser
  bool colour = false;  // the terminal takes it and NO_COLOR is not set
};

// `deputy demo`: the whole story against the sandbox, in one process, with real calls over HTTP on loopback
// and a database in a temporary folder. Returns the exit status: 0 only if every step came out as told.
int run_demo(const DemoOptions& options);

}  // namespace deputy::app
