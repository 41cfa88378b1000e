# krb5asn1/: Heimdal's libasn1, and the .asn1 files of ours that asn1_compile turns into C.
target_include_directories(krbscope_krb5asn1 SYSTEM PRIVATE ${HEIMDAL_INCLUDE})
target_link_libraries(krbscope_krb5asn1 PRIVATE ${HEIMDAL_ASN1})
