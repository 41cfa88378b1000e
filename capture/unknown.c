/* Content that no reader knows: what it is and what the user can do about it. */
#include "base/cursor.h"
#include "capture/reader_private.h"

#define ETL_RECORD_OFFSET                                                                          \
    0x48 /* behind the header of the first buffer: the log's header record                         \
          */
#define ETL_BUFFER_BYTES_MIN 0x48
#define ETL_BUFFER_BYTES_MAX (64U << 20)

/* Event Tracing for Windows: the first buffer begins with its size; its first record is a system
 * record (marker C002 of 64-bit and C001 of 32-bit hosts) of kind 0. */
static bool is_etl(struct bytes first)
{
    struct cursor c = cursor_over(first);
    uint32_t buffer_bytes = cursor_u32le(&c);
    uint32_t marker = bytes_u32be_at(first, ETL_RECORD_OFFSET);
    return (marker == 0x020002c0 || marker == 0x020001c0) && buffer_bytes > ETL_BUFFER_BYTES_MIN &&
           buffer_bytes <= ETL_BUFFER_BYTES_MAX && buffer_bytes % 8 == 0;
}

static bool is_text(struct bytes first)
{
    for (size_t i = 0; i < first.len; i++) {
        uint8_t byte = bytes_u8_at(first, i);
        bool blank = byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
        if ((byte < ' ' && !blank) || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

struct magic {
    const char *bytes;
    size_t len;
    const char *what;
    const char *remedy;
};

#define MAGIC(text, what, remedy)                                                                  \
    {                                                                                              \
        (text), sizeof(text) - 1, (what), (remedy)                                                 \
    }
#define EDITCAP "convert it with: editcap -F pcapng IN OUT.pcapng"
#define UNPACK_FIRST "unpack it first"

static const struct magic magics[] = {
    MAGIC("snoop\0\0\0", "a snoop capture", EDITCAP),
    MAGIC("btsnoop\0", "a Bluetooth capture (btsnoop)", "it cannot hold a logon"),
    MAGIC("TRSNIFF data    \x1a", "an NG Sniffer capture", EDITCAP),
    MAGIC("XCP\0", "a NetXRay or Sniffer capture", EDITCAP),
    MAGIC("ObserverPktBuffe", "an Observer capture", EDITCAP),
    MAGIC("\x7fver", "an OmniPeek capture", EDITCAP),
    MAGIC("iptrace ", "an AIX iptrace capture", EDITCAP),
    MAGIC("\x1c\x00\x01\xac", "an Ixia capture", EDITCAP),
    MAGIC("\xac\x01\x00\x1c", "an Ixia capture", EDITCAP),
    MAGIC("PK\x03\x04", "a zip archive (or a Message Analyzer file)", UNPACK_FIRST),
    MAGIC("7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK_FIRST),
    MAGIC("MSCF", "a cabinet archive", UNPACK_FIRST ": expand -F:* IN.cab FOLDER"),
    MAGIC("Rar!\x1a", "a RAR archive", UNPACK_FIRST),
    MAGIC("BZh", "packed with bzip2", UNPACK_FIRST),
    MAGIC("ElfFile\0", "a Windows event log", "name the network capture instead"),
    MAGIC("\x7f"
          "ELF",
          "a program", "name a capture instead"),
    MAGIC("MZ", "a Windows program", "name a capture instead"),
};

void unknown_content(struct trouble *trouble, const char *name, struct bytes first)
{
    if (first.len == 0) {
        trouble_set(trouble, "%s is empty; capture again.", name);
        return;
    }
    if (is_etl(first)) {
        trouble_set(trouble,
                    "%s is an event trace (ETL), which only Windows can decode; convert it there "
                    "with: etl2pcapng IN.etl OUT.pcapng or: pktmon etl2pcap IN.etl --out "
                    "OUT.pcapng.",
                    name);
        return;
    }
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        struct bytes magic = {.at = (const uint8_t *)magics[i].bytes, .len = magics[i].len};
        if (bytes_equal(bytes_part(first, 0, magic.len), magic)) {
            trouble_set(trouble, "%s is %s, no capture that krbscope knows; %s.", name,
                        magics[i].what, magics[i].remedy);
            return;
        }
    }
    if (is_text(first)) {
        trouble_set(trouble,
                    "%s is text, not a capture; name a pcap, pcapng or Network Monitor file.",
                    name);
        return;
    }
    trouble_set(trouble,
                "%s is not a capture that krbscope knows (pcap, pcapng, Network Monitor); if it is "
                "one, " EDITCAP ".",
                name);
}
