/* applicationHost.config: what holds for a site and path. */
#include "logs/iis_config.h"

#include <criterion/criterion.h>
#include <string.h>

#define POOLS                                                                                      \
    "<system.applicationHost><applicationPools>"                                                   \
    "<add name='DefaultAppPool'/>"                                                                 \
    "<add name='Svc'><processModel identityType='SpecificUser' userName='EXAMPLE\\svc' "           \
    "password='[enc:AesProvider:secret:enc]'/></add>"                                              \
    "<applicationPoolDefaults><processModel identityType='NetworkService'/>"                       \
    "</applicationPoolDefaults></applicationPools><sites>"                                         \
    "<site name='Default Web Site' id='1'>"                                                        \
    "<application path='/' applicationPool='DefaultAppPool'/>"                                     \
    "<application path='/CCM_System_WindowsAuth' applicationPool='Svc'/>"                          \
    "<bindings><binding protocol='http' bindingInformation='*:80:'/></bindings></site>"            \
    "<site name='Other' id='2'><application path='/'/>"                                            \
    "<bindings><binding protocol='http' bindingInformation='*:80:other.example.com'/>"             \
    "<binding protocol='http' bindingInformation='192.0.2.9:8080:'/></bindings></site>"            \
    "<applicationDefaults applicationPool='DefaultAppPool'/>"                                      \
    "</sites></system.applicationHost>"
#define AUTH(windows, anonymous)                                                                   \
    "<system.webServer><security><authentication>" windows anonymous                               \
    "</authentication></security></system.webServer>"

static struct iis_config *parse(const char *text)
{
    struct iis_config *c;
    struct trouble trouble = {{0}};
    cr_assert_eq(iis_config_parse(&c, bytes_of(text), &trouble), STATUS_OK, "%s", trouble.text);
    return c;
}

static bool ask(const struct iis_config *c, const char *host, uint16_t port, const char *path,
                struct iis_settings *s)
{
    const struct iis_target t = {.host = bytes_of(host), .port = port, .path = bytes_of(path)};
    return iis_config_settings(c, &t, s);
}

/* Goal: attribute by attribute the deeper location wins, whatever the order and case. */
Test(iis_config, locations_are_inherited)
{
    struct iis_settings s;
    struct iis_config *c = parse(
        "<configuration>" POOLS "<location path='default web site/ccm_system_windowsauth'>" AUTH(
            "<windowsAuthentication enabled='true' useAppPoolCredentials='true'/>",
            "<anonymousAuthentication enabled='false'/>") "</location>" AUTH("<windowsAuthent"
                                                                             "ication "
                                                                             "enabled='false'"
                                                                             " useKernelMode="
                                                                             "'false'><"
                                                                             "providers>"
                                                                             "<add "
                                                                             "value='"
                                                                             "Negotiate'/"
                                                                             "><add "
                                                                             "value='NTLM'/"
                                                                             "></providers></"
                                                                             "windowsAuthenti"
                                                                             "cation>",
                                                                             "<anonymousAuthe"
                                                                             "ntication "
                                                                             "enabled='true'/"
                                                                             ">") "</"
                                                                                  "configurat"
                                                                                  "ion>");
    cr_assert(ask(c, "mp.example.com", 80, "/CCM_System_WindowsAuth/request", &s));
    cr_expect(bytes_is(s.site, "Default Web Site"));
    cr_expect(bytes_is(s.application, "/CCM_System_WindowsAuth"));
    cr_expect(bytes_is(s.pool, "Svc"));
    cr_expect(s.windows.value);
    cr_expect_not(s.anonymous.value);
    cr_expect_not(s.kernel_mode.value, "inherited");
    cr_expect(s.pool_credentials.value);
    cr_expect_eq(s.num_providers, 2);
    cr_expect(bytes_is(s.identity.value, "SpecificUser"));
    cr_expect(bytes_is(s.user.value, "EXAMPLE\\svc"));
    cr_assert(ask(c, "mp.example.com", 80, "/CCM_System_WindowsAuth2/request", &s));
    cr_expect_not(s.windows.value, "a name that only begins the same is another one");
    cr_expect(bytes_is(s.pool, "DefaultAppPool"));
    cr_expect(bytes_is(s.identity.value, "NetworkService"), "of the defaults");
    iis_config_free(c);
}

Test(iis_config, providers_are_cleared_removed_and_added)
{
    struct iis_settings s;
    struct iis_config *c = parse("<configuration>" POOLS AUTH(
        "<windowsAuthentication enabled='true'><providers><add value='Negotiate'/>"
        "<add value='NTLM'/></providers></windowsAuthentication>",
        "") "<location path='Default Web Site/a'>" AUTH("<windowsAuthentication><providers><remove "
                                                        "value='negotiate'/></providers>"
                                                        "</windowsAuthentication>",
                                                        "") "</location>"
                                                            "<location path='Default Web "
                                                            "Site/b'>" AUTH(
                                                                "<windowsAuthentication><providers>"
                                                                "<clear/><add "
                                                                "value='Negotiate:Kerberos'/>"
                                                                "</providers></"
                                                                "windowsAuthentication>",
                                                                "") "</location></configuration>");
    cr_assert(ask(c, "", 80, "/a/x", &s));
    cr_assert_eq(s.num_providers, 1);
    cr_expect(bytes_is(s.providers[0].value, "NTLM"));
    cr_assert(ask(c, "", 80, "/b", &s));
    cr_assert_eq(s.num_providers, 1);
    cr_expect(bytes_is(s.providers[0].value, "Negotiate:Kerberos"));
    iis_config_free(c);
}

/* Goal: IIS' own defaults hold where the file says nothing, and say so by line 0. */
Test(iis_config, defaults)
{
    struct iis_settings s;
    uint32_t line = 7;
    struct iis_config *c = parse("<configuration>" POOLS "</configuration>");
    cr_assert(ask(c, "", 80, "/CCM_System_WindowsAuth", &s));
    cr_expect(s.kernel_mode.value);
    cr_expect_eq(s.kernel_mode.line, 0);
    cr_expect_not(s.pool_credentials.value);
    cr_expect_not(s.windows.value);
    cr_expect(s.anonymous.value);
    cr_expect(bytes_is(s.token_checking.value, "None"));
    cr_expect(iis_verb_is_allowed(&s, bytes_of("CCM_POST"), &line));
    cr_expect_eq(line, 0);
    iis_config_free(c);
}

Test(iis_config, verbs)
{
    struct iis_settings s;
    uint32_t line;
    struct iis_config *c =
        parse("<configuration>\n" POOLS "\n<system.webServer><security><requestFiltering>\n"
              "<verbs allowUnlisted='false'>\n<add verb='GET' allowed='true'/>\n"
              "<add verb='PUT' allowed='false'/></verbs></requestFiltering></security>"
              "</system.webServer></configuration>");
    cr_assert(ask(c, "", 80, "/", &s));
    cr_expect(iis_verb_is_allowed(&s, bytes_of("get"), &line));
    cr_expect_eq(line, 5);
    cr_expect_not(iis_verb_is_allowed(&s, bytes_of("PUT"), &line));
    cr_expect_eq(line, 6);
    cr_expect_not(iis_verb_is_allowed(&s, bytes_of("CCM_POST"), &line));
    cr_expect_eq(line, 4);
    iis_config_free(c);
}

/* Goal: the site is the one whose binding fits best. */
Test(iis_config, bindings)
{
    struct iis_settings s;
    struct address nine;
    struct iis_config *c = parse("<configuration>" POOLS "</configuration>");
    cr_assert(ask(c, "OTHER.example.com", 80, "/x", &s));
    cr_expect(bytes_is(s.site, "Other"));
    cr_assert(ask(c, "mp.example.com", 80, "/x", &s));
    cr_expect(bytes_is(s.site, "Default Web Site"));
    cr_expect_not(ask(c, "mp.example.com", 81, "/x", &s));
    cr_assert(address_parse(bytes_of("192.0.2.9"), &nine));
    struct iis_target t = {.address = &nine, .port = 8080, .path = bytes_of("/")};
    cr_assert(iis_config_settings(c, &t, &s));
    cr_expect(bytes_is(s.site, "Other"));
    cr_assert(address_parse(bytes_of("192.0.2.8"), &nine));
    cr_expect_not(iis_config_settings(c, &t, &s));
    t = (struct iis_target){.site_id = 2, .path = bytes_of("/")};
    cr_assert(iis_config_settings(c, &t, &s));
    cr_expect(bytes_is(s.site, "Other"));
    iis_config_free(c);
}

/* Goal: a password is nowhere in memory of ours. Method: look for it in all that is kept. */
Test(iis_config, no_password_is_kept)
{
    struct iis_settings s;
    struct iis_config *c = parse("<configuration>" POOLS "</configuration>");
    cr_assert(ask(c, "", 80, "/CCM_System_WindowsAuth", &s));
    const char *beside = (const char *)s.user.value.at;
    cr_assert_not_null(beside);
    for (size_t i = 0; i + 6 < 4096; i++) {
        cr_assert_neq(memcmp(beside + i, "secret", 6), 0);
    }
    iis_config_free(c);
}

/* Goal: what is no configuration is refused in our words, and nothing is fetched or expanded. */
Test(iis_config, refuses_what_it_is_not)
{
    static const char *const bad[] = {
        "",
        "no XML",
        "<configuration>",
        "<html/>",
        "<!DOCTYPE configuration [<!ENTITY a 'b'>]><configuration>&a;</configuration>",
        "<!DOCTYPE configuration SYSTEM '/etc/passwd'><configuration/>"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct iis_config *c;
        struct trouble trouble = {{0}};
        cr_expect_eq(iis_config_parse(&c, bytes_of(bad[i]), &trouble), STATUS_NOT_CAPTURE, "%s",
                     bad[i]);
        cr_expect_null(c);
        cr_expect_neq(trouble.text[0], '\0');
    }
}
