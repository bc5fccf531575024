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
  target_include_directories(${TARGET} ${SCOPE} $<BUILD_INTERFACE:${root}>)
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

# Compiles what a generator wrote in less time: nobody steps through it, its authors test it, and its
# files share names, so that they cannot be compiled as one.
function(fusebox_generated TARGET)
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD OFF)
  target_compile_options(${TARGET} PRIVATE -g0 $<$<CONFIG:Debug>:-O0> -fno-sanitize=undefined)
endfunction()

# The same for a source of ours that is mostly templates of others, which take minutes with sanitizers.
function(fusebox_mostly_foreign SOURCE)
  set_source_files_properties(${SOURCE} PROPERTIES
    SKIP_UNITY_BUILD_INCLUSION ON COMPILE_OPTIONS "$<$<CONFIG:Debug>:-O0>;-fno-sanitize=undefined")
endfunction()

# Messages of one folder's own, beside the API's, as a library fusebox_NAME:
#
#   fusebox_messages(record_proto FILE server/records/record.proto USES fusebox_proto)
function(fusebox_messages NAME)
  cmake_parse_arguments(MSG "" "FILE" "USES" ${ARGN})
  set(gen ${CMAKE_CURRENT_BINARY_DIR}/gen)
  string(REGEX REPLACE "\\.proto$" "" stem ${MSG_FILE})
  file(MAKE_DIRECTORY ${gen})
  file(GLOB api CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/fusebox/v1/*.proto)
  add_custom_command(
    OUTPUT ${gen}/${stem}.pb.cc ${gen}/${stem}.pb.h
    COMMAND protobuf::protoc -I ${CMAKE_SOURCE_DIR} -I ${CMAKE_SOURCE_DIR}/proto -I ${FUSEBOX_GOOGLEAPIS}
            --cpp_out=${gen} ${CMAKE_SOURCE_DIR}/${MSG_FILE}
    DEPENDS ${CMAKE_SOURCE_DIR}/${MSG_FILE} ${api} protobuf::protoc
    VERBATIM)
  add_library(fusebox_${NAME} STATIC ${gen}/${stem}.pb.cc ${gen}/${stem}.pb.h)
  fusebox_generated(fusebox_${NAME})
  target_include_directories(fusebox_${NAME} SYSTEM PUBLIC ${gen})
  target_link_libraries(fusebox_${NAME} PUBLIC protobuf::libprotobuf ${MSG_USES})
endfunction()

# Headers that many files include and that cost seconds each are compiled once:
#
#   fusebox_pch(api LIBRARY LINKS fusebox_proto HEADERS <grpcpp/grpcpp.h>)
#   target_precompile_headers(fusebox_rpc REUSE_FROM api_pch)
#
# For libraries or for programs, as the one's code is compiled in another way than the other's.
function(fusebox_pch NAME KIND)
  cmake_parse_arguments(PCH "" "" "LINKS;HEADERS" ${ARGN})
  set(source ${CMAKE_BINARY_DIR}/${NAME}_pch.cc)
  if(PCH_UNPARSED_ARGUMENTS OR NOT KIND MATCHES "^(LIBRARY|PROGRAM)$")
    message(FATAL_ERROR "fusebox_pch(${NAME} ${KIND} ${ARGN}): say LIBRARY or PROGRAM, LINKS and HEADERS")
  endif()
  if(KIND STREQUAL "LIBRARY")
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(${NAME}_pch STATIC ${source})
  else()
    file(CONFIGURE OUTPUT ${source} CONTENT "int main() { return 0; }\n")
    add_executable(${NAME}_pch ${source})
  endif()
  target_link_libraries(${NAME}_pch PRIVATE ${PCH_LINKS})
  target_precompile_headers(${NAME}_pch PRIVATE ${PCH_HEADERS})
endfunction()
