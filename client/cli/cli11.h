// What CLI11 calls its types, for who only passes them on: its header takes seconds to compile.
#ifndef FUSEBOX_CLIENT_CLI_CLI11_H_
#define FUSEBOX_CLIENT_CLI_CLI11_H_

namespace CLI {  // NOLINT(readability-identifier-naming): its own name.
class App;
class Option;
}  // namespace CLI

#endif  // FUSEBOX_CLIENT_CLI_CLI11_H_
