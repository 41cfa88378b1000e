/* Any bytes as an applicationHost.config, then asked about a path. */
#include "logs/iis_config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct iis_config *config;
    struct trouble trouble = {{0}};
    struct iis_settings s;
    uint32_t line;
    const struct iis_target target = {.host = bytes_of("mp.example.com"),
                                      .port = 80,
                                      .path = bytes_of("/CCM_System_WindowsAuth/request")};
    if (iis_config_parse(&config, (struct bytes){.at = data, .len = size}, &trouble) != STATUS_OK) {
        assert(config == NULL && trouble.text[0] != '\0');
        return 0;
    }
    if (iis_config_settings(config, &target, &s)) {
        assert(s.num_providers <= IIS_PROVIDERS_MAX && s.num_verbs <= IIS_VERBS_MAX);
        (void)iis_verb_is_allowed(&s, bytes_of("CCM_POST"), &line);
    }
    iis_config_free(config);
    return 0;
}
