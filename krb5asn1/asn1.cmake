# krb5asn1/: Heimdal's libasn1, and the .asn1 files of ours that asn1_compile turns into C.
#
# asn1_compile names its output .x and .hx, for rules of make that we do not have: they are copied
# to names that a compiler takes. The generated code includes <asn1-template.h>, which Debian does
# not ship and which nothing needs without --template: an empty file stands for it.
set(asn1_dir ${PROJECT_BINARY_DIR}/asn1)
file(MAKE_DIRECTORY ${asn1_dir})
file(WRITE ${asn1_dir}/empty "")
configure_file(${asn1_dir}/empty ${asn1_dir}/asn1-template.h COPYONLY)

set(asn1_generated)
foreach(module spnego mskile)
  add_custom_command(
    OUTPUT ${asn1_dir}/${module}_asn1.c ${asn1_dir}/${module}_asn1.h
    COMMAND ${ASN1_COMPILE} --one-code-file ${PROJECT_SOURCE_DIR}/krb5asn1/${module}.asn1
            ${module}_asn1
    COMMAND ${CMAKE_COMMAND} -E copy asn1_${module}_asn1.x ${module}_asn1.c
    COMMAND ${CMAKE_COMMAND} -E copy ${module}_asn1.hx ${module}_asn1.h
    COMMAND ${CMAKE_COMMAND} -E copy ${module}_asn1-priv.hx ${module}_asn1-priv.h
    DEPENDS ${PROJECT_SOURCE_DIR}/krb5asn1/${module}.asn1
    WORKING_DIRECTORY ${asn1_dir}
    COMMENT "asn1_compile ${module}.asn1"
    VERBATIM)
  list(APPEND asn1_generated ${asn1_dir}/${module}_asn1.c ${asn1_dir}/${module}_asn1.h)
endforeach()

# Not our code: no warnings, and no business of clang-tidy.
add_library(krbscope_asn1_generated OBJECT ${asn1_generated})
target_compile_options(krbscope_asn1_generated PRIVATE -w)
target_include_directories(krbscope_asn1_generated SYSTEM PRIVATE ${asn1_dir} ${HEIMDAL_INCLUDE})

add_dependencies(krbscope_krb5asn1 krbscope_asn1_generated)
target_sources(krbscope_krb5asn1 PRIVATE $<TARGET_OBJECTS:krbscope_asn1_generated>)
target_include_directories(krbscope_krb5asn1 SYSTEM PRIVATE ${asn1_dir} ${HEIMDAL_INCLUDE})
target_link_libraries(krbscope_krb5asn1 PRIVATE ${HEIMDAL_ASN1})
