# Imports Fusebox::client, with what it is built on.
include(CMakeFindDependencyMacro)
find_dependency(absl CONFIG)
find_dependency(Protobuf)
find_dependency(gRPC CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/FuseboxTargets.cmake)
