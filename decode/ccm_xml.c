#include "decode/ccm_xml.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <string.h>

#define TEXT_BYTES_MAX 262144    /* of one document; the rest is not read */
#define PARSER_BYTES_MAX 1048576 /* read with one parser */
#define ATTRIBUTE_POINTERS 5     /* local name, prefix, URI, value, end: libxml2's SAX2 layout */

/* One document under way. */
struct reader {
    struct ccm_found *found;
    xmlParserCtxtPtr parser;
    size_t depth;         /* open elements */
    size_t message_depth; /* depth inside Msg; 0: not in one */
    size_t request_depth; /* depth inside ClientRegistrationRequest; 0: not in one */
    bool root_ended;
    bool is_stopped;           /* it has a document type */
    enum ccm_value collecting; /* value of the element whose text is read, or
                                  CCM_VALUE_COUNT */
    struct text text;
    char text_buffer[CCM_VALUE_BYTES_MAX];
};

struct named_value {
    const char *name;
    enum ccm_value value;
};

static bool name_is(const xmlChar *name, const char *wanted)
{
    return xmlStrcmp(name, (const xmlChar *)wanted) == 0;
}

static enum ccm_value find_value(const struct named_value *list, size_t num, const xmlChar *name)
{
    for (size_t i = 0; i < num; i++) {
        if (name_is(name, list[i].name)) {
            return list[i].value;
        }
    }
    return CCM_VALUE_COUNT;
}

static void keep(struct ccm_found *found, enum ccm_value value, struct bytes text)
{
    text = bytes_trim(text);
    if (value == CCM_VALUE_COUNT || found->lens[value] != 0 || text.len == 0 ||
        text.len >= CCM_VALUE_BYTES_MAX) {
        return;
    }
    memcpy(found->values[value], text.at, text.len);
    found->values[value][text.len] = '\0';
    found->lens[value] = text.len;
}

static struct bytes attribute_value(const xmlChar *const *attribute)
{
    return (struct bytes){.at = attribute[3], .len = (size_t)(attribute[4] - attribute[3])};
}

static void read_data(struct reader *r, int num, const xmlChar **attributes)
{
    static const struct named_value names[] = {
        {"RequestType", CCM_REQUEST_TYPE},
        {"SMSID", CCM_SMS_ID},
        {"TimeStamp", CCM_REQUEST_TIME},
    };
    for (int i = 0; i < num; i++) {
        const xmlChar *const *attribute = attributes + i * ATTRIBUTE_POINTERS;
        keep(r->found, find_value(names, sizeof names / sizeof names[0], attribute[0]),
             attribute_value(attribute));
    }
}

static void read_property(struct reader *r, int num, const xmlChar **attributes)
{
    struct bytes name = {0};
    struct bytes value = {0};
    for (int i = 0; i < num; i++) {
        const xmlChar *const *attribute = attributes + i * ATTRIBUTE_POINTERS;
        if (name_is(attribute[0], "Name")) {
            name = attribute_value(attribute);
        } else if (name_is(attribute[0], "Value")) {
            value = attribute_value(attribute);
        }
    }
    if (bytes_is_nocase(name, "Netbios Name")) {
        keep(r->found, CCM_NETBIOS_NAME, value);
    } else if (bytes_is_nocase(name, "FQ Name")) {
        keep(r->found, CCM_FQ_NAME, value);
    }
}

static void start_element(void *context, const xmlChar *name, const xmlChar *prefix,
                          const xmlChar *uri, int num_namespaces, const xmlChar **namespaces,
                          int num_attributes, int num_defaulted, const xmlChar **attributes)
{
    static const struct named_value children[] = {
        {"SourceHost", CCM_SOURCE_HOST},       {"SourceID", CCM_SOURCE_ID},
        {"TargetHost", CCM_TARGET_HOST},       {"TargetEndpoint", CCM_TARGET_ENDPOINT},
        {"TargetAddress", CCM_TARGET_ADDRESS}, {"SentTime", CCM_SENT_TIME},
    };
    struct reader *r = context;
    (void)prefix;
    (void)uri;
    (void)num_namespaces;
    (void)namespaces;
    (void)num_defaulted;
    r->depth++;
    r->collecting = CCM_VALUE_COUNT;
    if (name_is(name, "Msg") && r->message_depth == 0) {
        r->found->has_message = true;
        r->message_depth = r->depth;
    } else if (name_is(name, "ClientRegistrationRequest") && r->request_depth == 0) {
        r->found->has_request = true;
        r->request_depth = r->depth;
    } else if (r->message_depth != 0 && r->depth == r->message_depth + 1) {
        r->collecting = find_value(children, sizeof children / sizeof children[0], name);
        text_init(&r->text, r->text_buffer, sizeof r->text_buffer);
    } else if (r->request_depth != 0 && r->depth == r->request_depth + 1 && name_is(name, "Data")) {
        read_data(r, num_attributes, attributes);
    } else if (r->request_depth != 0 && name_is(name, "Property")) {
        read_property(r, num_attributes, attributes);
    }
}

static void end_element(void *context, const xmlChar *name, const xmlChar *prefix,
                        const xmlChar *uri)
{
    struct reader *r = context;
    (void)name;
    (void)prefix;
    (void)uri;
    if (r->collecting != CCM_VALUE_COUNT && !r->text.cut) {
        keep(r->found, r->collecting, text_bytes(&r->text));
    }
    r->collecting = CCM_VALUE_COUNT;
    r->message_depth = r->message_depth == r->depth ? 0 : r->message_depth;
    r->request_depth = r->request_depth == r->depth ? 0 : r->request_depth;
    r->depth -= r->depth > 0;
    r->root_ended = r->depth == 0;
}

static void add_characters(void *context, const xmlChar *characters, int len)
{
    struct reader *r = context;
    if (r->collecting != CCM_VALUE_COUNT && len > 0) {
        text_add_bytes(&r->text, (struct bytes){.at = characters, .len = (size_t)len});
    }
}

/* No message of ConfigMgr has a document type; one that has is after our memory or our files. */
static void stop_at_document_type(void *context, const xmlChar *name, const xmlChar *external_id,
                                  const xmlChar *system_id)
{
    struct reader *r = context;
    (void)name;
    (void)external_id;
    (void)system_id;
    r->is_stopped = true;
    xmlStopParser(r->parser);
}

/* Odd XML is no error of ours, and stderr belongs to the user. */
static void ignore_error(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

/* Making a parser costs as much as reading a message with it, so one is kept. It is made anew in
 * time, as it remembers every name that it read, and after a document that it was stopped in. */
static struct {
    xmlParserCtxtPtr parser; /* NULL: none yet */
    size_t bytes_read;
} kept;

static xmlParserCtxtPtr take_parser(size_t len)
{
    if (kept.parser != NULL && kept.bytes_read > PARSER_BYTES_MAX - len) {
        xmlFreeParserCtxt(kept.parser);
        kept.parser = NULL;
    }
    if (kept.parser == NULL) {
        kept.parser = xmlNewParserCtxt();
        kept.bytes_read = 0;
    }
    kept.bytes_read += len;
    return kept.parser;
}

bool ccm_xml_read(struct bytes text, struct ccm_found *found)
{
    struct reader r = {.found = found, .collecting = CCM_VALUE_COUNT};
    const xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .internalSubset = stop_at_document_type,
        .startElementNs = start_element,
        .endElementNs = end_element,
        .characters = add_characters,
        .cdataBlock = add_characters,
        .serror = ignore_error,
    };
    if (text.len == 0) {
        return false;
    }
    struct bytes read = bytes_part(text, 0, TEXT_BYTES_MAX);
    r.parser = take_parser(read.len);
    if (r.parser == NULL) {
        return false;
    }
    *r.parser->sax = handler;
    r.parser->userData = &r;
    /* The text is UTF-8 by now, whatever its declaration still says. */
    xmlDocPtr document =
        xmlCtxtReadMemory(r.parser, (const char *)read.at, (int)read.len, NULL, NULL,
                          XML_PARSE_NONET | XML_PARSE_RECOVER | XML_PARSE_IGNORE_ENC |
                              XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (document != NULL) {
        xmlFreeDoc(document);
    }
    if (r.is_stopped) {
        kept.bytes_read = PARSER_BYTES_MAX;
    }
    return r.root_ended;
}
