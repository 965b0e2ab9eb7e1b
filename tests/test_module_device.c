/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of a module, through the public API: memory, writes beside the work, choices, and where there is none. */
#include <cinch/cinch.h>
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())
#define FAILS(status, words, call)                                                                     \
    do {                                                                                               \
        cr_assert_eq((call), status, "%s: %s", #call, cinch_last_error());                             \
        cr_assert(strstr(cinch_last_error(), words), "%s: '%s'", #call, cinch_last_error());           \
    } while (0)

static void use_module(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", MODULES, name);
    setenv("CINCH_BACKEND_PATH", path, 1);
}

static cinch_device *opened(const char *name)
{
    cinch_device *device;
    OK(cinch_device_open(&device, name, NULL));
    return device;
}

static void *count_gpus(void *unused)
{
    int count;
    (void)unused;
    return cinch_device_gpus(&count) || count != 2 ? (void *)cinch_last_error() : NULL;
}

Test(module, loaded_by_several_threads)
{
    pthread_t thread[8];
    use_module("pretend");
    for (int i = 0; i < 8; i++) cr_assert_eq(pthread_create(&thread[i], NULL, count_gpus, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        cr_assert_null(wrong);
    }
}

Test(module, found_later)
{
    int count = -1;
    use_module("nowhere");
    FAILS(CINCH_DEVICE, "nowhere", cinch_device_gpus(&count));
    cr_assert_eq(count, 0);
    use_module("no_gpu");
    FAILS(CINCH_DEVICE, "finds no GPU", cinch_device_gpus(&count));
    cr_assert_eq(count, 0);
}

Test(module, reasons_stay_with_the_device)
{
    use_module("no_driver");
    cinch_device *device = opened("auto"), *cpu = opened("cpu");
    cr_assert_str_eq(cinch_device_name(device), "cpu");
    FAILS(CINCH_USAGE, "did you mean cpu?", cinch_device_open(&(cinch_device *){0}, "cpuu", NULL));
    FAILS(CINCH_USAGE, "did you mean cuda?", cinch_device_open(&(cinch_device *){0}, "GPU:0", NULL));
    cr_assert_str_eq(cinch_device_no_gpu(device), "no NVIDIA driver is installed");
    cr_assert_null(cinch_device_no_gpu(cpu));
    cinch_device_free(device);
    cinch_device_free(cpu);
}

Test(module, names)
{
    static const char *const unknown[] = {"cuda:", "cuda:-1", "cuda:1x", "cuda: 1", "cuda:99999",
                                          "cud", "CUDA", "", ":"};
    use_module("pretend");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        FAILS(CINCH_USAGE, "unknown", cinch_device_open(&(cinch_device *){0}, unknown[i], NULL));
    FAILS(CINCH_USAGE, "cuda:0 to cuda:1", cinch_device_open(&(cinch_device *){0}, "cuda:2", NULL));
    cinch_device *a = opened("cuda"), *b = opened("cuda:1"), *c = opened("auto");
    cr_assert_str_eq(cinch_device_name(a), "cuda:0");
    cr_assert_str_eq(cinch_device_name(b), "cuda:1");
    cr_assert_str_eq(cinch_device_name(c), "cuda:0");
    cinch_device_free(a);
    cinch_device_free(b);
    cinch_device_free(c);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

Test(module, memory_figures)
{
    enum { BYTES = 3000, HELD = 500 };
    use_module("pretend");
    setenv("PRETEND_MEMORY", "100000", 1);
    setenv("PRETEND_HELD", "500", 1);
    cinch_device *device = opened("cuda"), *cpu = opened("cpu");
    cinch_buffer *buffer;
    OK(cinch_buffer_create(&buffer, device, BYTES));
    cinch_device_memory m = cinch_device_memory_used(device);
    cr_assert_eq(m.total, 100000);
    cr_assert_eq(m.available, 100000 - BYTES);
    cr_assert_eq(m.now, BYTES + HELD);
    cr_assert_eq(m.peak, BYTES + HELD);
    cinch_buffer_free(buffer);
    m = cinch_device_memory_used(device);
    cr_assert_eq(m.available, 100000);
    cr_assert_eq(m.now, HELD);
    m = cinch_device_memory_used(cpu);
    cr_assert(m.total == 0 && m.available == 0);
    cinch_device_free(device);
    cinch_device_free(cpu);
}

/* x [n, n] on its way through two products, which need temporaries. */
static cinch_graph *products(int64_t n)
{
    cinch_graph *g;
    OK(cinch_graph_create(&g));
    cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(n, n));
    cinch_value y = cinch_matmul(g, cinch_matmul(g, x, x, false, false), x, false, false);
    cinch_output(g, "y", cinch_sum(g, y, 3, false));
    return g;
}

Test(module, what_does_not_fit)
{
    use_module("pretend");
    setenv("PRETEND_MEMORY", "2000000", 1);
    cinch_device *device = opened("cuda");
    cinch_graph *g = products(512);
    cinch_plan *plan;
    cinch_buffer *buffer;
    FAILS(CINCH_DEVICE, "the plan's temporaries", cinch_plan_create(&plan, g, device, NULL, NULL));
    cr_assert(strstr(cinch_last_error(), "cuda:0: out of memory: "), "%s", cinch_last_error());
    cr_assert(strstr(cinch_last_error(), "of the device's 1.9 MiB are free"), "%s", cinch_last_error());
    cr_assert(strstr(cinch_last_error(), "--batch-size"), "%s", cinch_last_error());
    FAILS(CINCH_DEVICE, "are needed for parameters, inputs or data", cinch_buffer_create(&buffer, device, 3000001));
    cr_assert_eq(cinch_device_memory_used(device).now, 0);
    cinch_graph_free(g);
    cinch_device_free(device);
}

/* --- writes beside the work --------------------------------------------------------------------------------------- */

static void write_ahead_on(const char *name)
{
    float there[4], values[] = {1, 2, 3};
    cinch_device *device = opened(name);
    cinch_buffer *buffer;
    OK(cinch_buffer_create(&buffer, device, sizeof there));
    OK(cinch_buffer_write_ahead(buffer, 0, sizeof *there, values, sizeof values));
    OK(cinch_buffer_write_ahead(buffer, 1, sizeof there, values, 0));
    FAILS(CINCH_USAGE, "buffer of 16 bytes", cinch_buffer_write_ahead(buffer, 0, 8, values, sizeof values));
    FAILS(CINCH_USAGE, "slot 2: there are two", cinch_buffer_write_ahead(buffer, 2, 0, values, sizeof values));
    OK(cinch_buffer_read(buffer, 0, there, sizeof there));
    cr_assert(there[0] == 0 && there[1] == 1 && there[3] == 3,
              "%s: %g %g %g %g", name, there[0], there[1], there[2], there[3]);
    cinch_buffer_free(buffer);
    cinch_device_free(device);
}

Test(module, writes_ahead)
{
    use_module("pretend");
    write_ahead_on("cuda");
    write_ahead_on("cpu");
}

/* --- choices ------------------------------------------------------------------------------------------------------ */

Test(module, choices_go_out_and_back)
{
    char *text;
    use_module("pretend");
    cinch_device *device = opened("cuda"), *cpu = opened("cpu");
    OK(cinch_device_tuning(cpu, &text));
    cr_assert_null(text);
    OK(cinch_device_tuning(device, &text));
    cr_assert(strstr(text, "\"choices\": {\n    \"product [2, 3]\": \"made here\"\n  }"), "%s", text);
    OK(cinch_device_tune(device, text));
    OK(cinch_device_tune(cpu, text));
    setenv("PRETEND_DRIVER", "2", 1);
    FAILS(CINCH_DATA, "and this is Pretend GPU, driver 2", cinch_device_tune(device, text));
    setenv("PRETEND_DRIVER", "1", 1);
    cinch_free(text);
    OK(cinch_device_tune(device, "{\"cinch_tuning\":1,\"device\":\"Pretend GPU, driver 1\","
                                 "\"choices\":{\"product [2, 3]\":\"b\"}}"));
    OK(cinch_device_tuning(device, &text));
    cr_assert(strstr(text, "\"product [2, 3]\": \"b\""), "%s", text);
    cinch_free(text);
    cinch_device_free(device);
    cinch_device_free(cpu);
}

Test(module, hostile_choices)
{
    static const char *const hostile[] = {"", "{", "null", "[]", "1", "\"a\"", "{}", "{\"cinch_tuning\":\"1\"}",
        "{\"cinch_tuning\":1}", "{\"cinch_tuning\":1,\"device\":7,\"choices\":{}}",
        "{\"cinch_tuning\":1,\"device\":\"Pretend GPU, driver 1\",\"choices\":[]}",
        "{\"cinch_tuning\":1,\"device\":\"Pretend GPU, driver 1\",\"choices\":{\"a\":\"b\",\"a\":\"c\"}}",
        "{\"cinch_tuning\":1,\"device\":\"Pretend GPU, driver 1\",\"choices\":{\"product [2, 3]\":null}}",
        "{\"cinch_tuning\":1,\"device\":\"Pretend GPU, driver 1\",\"choices\":{\"product [2, 3]\":\"a\\u0000b\"}}",
        "{\"cinch_tuning\":1,\"device\":\"\xff\",\"choices\":{}}"};
    use_module("pretend");
    cinch_device *device = opened("cuda");
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        FAILS(CINCH_DATA, "tuning: ", cinch_device_tune(device, hostile[i]));
    cinch_device_free(device);
}
