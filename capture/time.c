#include "capture/time_private.h"

#include "base/civil.h"
#include "capture/reader_private.h"

int64_t time_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return a < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

int64_t time_multiply(int64_t a, int64_t b)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return a < 0 ? INT64_MIN : INT64_MAX;
    }
    return product;
}

/* Whole ns of rest / 2^digits s, rest < 2^digits, digits 0 to 63. The product has up to 93 bits, so
 * it is formed of two halves. */
static uint64_t binary_ns(uint64_t rest, unsigned digits)
{
    uint64_t high = (rest >> 32) * (uint64_t)NS_PER_S;
    uint64_t low = (rest & 0xffffffff) * (uint64_t)NS_PER_S;
    if (digits < 32) {
        return low >> digits; /* high is 0 */
    }
    return (high + (low >> 32)) >> (digits - 32);
}

/* Whole ns of rest / units s, rest < units. */
static uint64_t decimal_ns(uint64_t rest, uint64_t units)
{
    uint64_t ns_per_s = (uint64_t)NS_PER_S;
    return units <= ns_per_s ? rest * (ns_per_s / units) : rest / (units / ns_per_s);
}

int64_t pcapng_time_ns(const struct pcapng_interface *of, uint64_t stamp)
{
    uint64_t seconds = 0;
    uint64_t ns = 0;
    if (!of->no_resolution && of->units_per_s == 0) {
        uint64_t mask = (UINT64_C(1) << of->binary_digits) - 1;
        seconds = stamp >> of->binary_digits;
        ns = binary_ns(stamp & mask, of->binary_digits);
    } else if (!of->no_resolution) {
        seconds = stamp / of->units_per_s;
        ns = decimal_ns(stamp % of->units_per_s, of->units_per_s);
    }
    int64_t whole_s = seconds > INT64_MAX ? INT64_MAX : (int64_t)seconds;
    return time_add(time_multiply(time_add(whole_s, of->offset_s), NS_PER_S), (int64_t)ns);
}
