# The rules of the house, kept by the build.
#
# fusebox_library(registry DIR server/registry SOURCES registry.cc DEPENDS core)
#
# A library sees the headers of what it names in DEPENDS, of what those name, and no others: the
# include path of each library is a folder that holds a link to that library's folder and nothing
# else. So an include against the arrows does not compile.

function(fusebox_expose TARGET SCOPE DIR)
  set(root ${CMAKE_BINARY_DIR}/include/${TARGET})
  get_filename_component(parent ${DIR} DIRECTORY)
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${DIR} ${root}/${DIR} SYMBOLIC)
  target_include_directories(${TARGET} ${SCOPE} ${root})
endfunction()

function(fusebox_library NAME)
  cmake_parse_arguments(LIB "" "DIR" "SOURCES;DEPENDS" ${ARGN})
  set(target fusebox_${NAME})
  if(LIB_SOURCES)
    add_library(${target} STATIC ${LIB_SOURCES})
    fusebox_expose(${target} PUBLIC ${LIB_DIR})
    target_link_libraries(${target} PUBLIC ${LIB_DEPENDS})
  else()
    add_library(${target} INTERFACE)
    fusebox_expose(${target} INTERFACE ${LIB_DIR})
    target_link_libraries(${target} INTERFACE ${LIB_DEPENDS})
  endif()
endfunction()

# gRPC's and Protobuf's headers cost seconds a file; compiled once they cost nothing.
function(fusebox_use_grpc_pch TARGET)
  if(NOT TARGET fusebox_grpc_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/grpc_pch.cc "")
    add_library(fusebox_grpc_pch STATIC ${CMAKE_BINARY_DIR}/grpc_pch.cc)
    target_link_libraries(fusebox_grpc_pch PUBLIC gRPC::grpc++)
    target_precompile_headers(fusebox_grpc_pch PRIVATE
      <grpcpp/grpcpp.h> <google/protobuf/message.h> <google/protobuf/map.h>
      <google/protobuf/generated_message_reflection.h>)
  endif()
  target_precompile_headers(${TARGET} REUSE_FROM fusebox_grpc_pch)
endfunction()
