/* Feeds files to a fuzz harness without libFuzzer, so that what a fuzzer found is replayed with any
 * compiler. Usage: fuzz_<name> FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_LEN_MAX (16 * 1024 * 1024) /* bytes; inputs of a fuzzer are far smaller */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The file in a buffer of exactly its length, so that a sanitizer sees one byte too many. */
static uint8_t *read_exactly(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    uint8_t *data = NULL;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size >= 0 && size <= FILE_LEN_MAX && fseek(file, 0, SEEK_SET) == 0) {
        data = malloc(size > 0 ? (size_t)size : 1);
        *len = data != NULL ? fread(data, 1, (size_t)size, file) : 0;
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t len = 0;
        uint8_t *data = read_exactly(argv[i], &len);
        if (data == NULL) {
            perror(argv[i]);
            return EXIT_FAILURE;
        }
        (void)LLVMFuzzerTestOneInput(data, len);
        free(data);
    }
    return EXIT_SUCCESS;
}
