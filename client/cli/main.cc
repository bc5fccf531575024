#include "client/cli/app.h"

int main(int argc, char** argv) { return fusebox::cli::RunApp(argc, argv); }
