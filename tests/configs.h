/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of configurations begin with and look at. */
#ifndef CINCH_TESTS_CONFIGS_H
#define CINCH_TESTS_CONFIGS_H

#include <cinch/model.h>
#include <criterion/criterion.h>

#include <string.h>

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

static inline cinch_config *fresh(void)
{
    cinch_config *c;
    OK(cinch_config_create(&c));
    return c;
}

static inline void expect(cinch_config *c, const char *key, const char *json)
{
    const char *text = cinch_config_get(c, key);
    cr_assert(text && !strcmp(text, json), "%s is %s, not %s", key, text ? text : "not set", json);
}

static inline void expect_error(cinch_status status, const char *error)
{
    cr_assert_eq(status, CINCH_USAGE, "status %d with '%s' where '%s' was due", status, cinch_last_error(), error);
    cr_assert_str_eq(cinch_last_error(), error);
}

#endif
