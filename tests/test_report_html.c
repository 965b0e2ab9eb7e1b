/* SPDX-License-Identifier: Apache-2.0 */
/* report.html of small runs: whole, self-contained, and saying what the run and its data say. */
#include "train_runs.h"

#include "backends.h"
#include "data_sets.h"

#include <cinch/report.h>

#include <math.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(report_html, .fini = remove_runs);

static const char *const section_ids[] = { "history", "reconstructions", "errors", "latent", "samples",
                                           "traversals", "layers", "data", "environment" };
enum { SECTIONS = sizeof section_ids / sizeof *section_ids };

static char *report_of(const char *name, int64_t rows)
{
    size_t size;
    cinch_report_options options = { .run = { .device = backends_device(), .threads = 2 }, .rows = rows };
    OK(cinch_report_write(run_path(name), &options));
    return run_file(name, "report.html", &size);
}

static int count(const char *text, const char *words)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, words)); at += strlen(words)) n++;
    return n;
}

static void expect_words(const char *html, const char *words)
{
    cr_expect(strstr(html, words), "'%s' is not there", words);
}

/* --- is it HTML? -------------------------------------------------------------------------------------------------- */

typedef struct {
    char open[32][16];
    int depth;
} nesting;

static bool is_void(const char *name)
{
    static const char *const names[] = { "meta", "link", "img", "!doctype", "!DOCTYPE" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

/* Takes the tag at `at`; returns where to go on. What is in a script or a style is not looked at. */
static const char *take_tag(nesting *n, const char *at)
{
    char name[16] = "", end[20];
    bool closes = at[1] == '/';
    const char *close = strchr(at, '>');
    cr_assert(close && sscanf(at + 1 + closes, "%15[!a-zA-Z0-9]", name) == 1, "%.40s", at);
    if (closes) {
        cr_assert(n->depth > 0 && !strcmp(n->open[n->depth - 1], name), "</%s> closes <%s>", name,
                  n->depth ? n->open[n->depth - 1] : "");
        n->depth--;
    } else if (!is_void(name) && close[-1] != '/') {
        cr_assert(n->depth < 32);
        snprintf(n->open[n->depth++], 16, "%s", name);
    }
    if (closes || (strcmp(name, "script") && strcmp(name, "style"))) return close + 1;
    snprintf(end, sizeof end, "</%s>", name);
    close = strstr(close, end);
    cr_assert(close, "%s is not closed", name);
    return close;
}

static void expect_well_formed(const char *html)
{
    nesting n = { .depth = 0 };
    for (const char *at = html; (at = strchr(at, '<'));) at = take_tag(&n, at);
    cr_assert_eq(n.depth, 0, "<%s> stays open", n.depth ? n.open[n.depth - 1] : "");
}

/* No address but those of its own sections and of SVG, and no attribute that fetches anything. */
static void expect_self_contained(const char *html)
{
    cr_expect_eq(count(html, "://"), count(html, "http://www.w3.org/2000/svg"));
    cr_expect_eq(count(html, "src="), count(html, "src='data:image/png;base64,"));
    cr_expect_eq(count(html, "href="), count(html, "href='#") + count(html, "href='data:,'"));
    cr_expect_eq(count(html, "url(") + count(html, "@import") + count(html, "fetch("), 0);
}

static void expect_page(const char *html)
{
    char words[64];
    expect_well_formed(html);
    expect_self_contained(html);
    for (int i = 0; i < SECTIONS; i++) {
        snprintf(words, sizeof words, "<section id='%s'>", section_ids[i]);
        cr_expect_eq(count(html, words), 1, "%s", words);
        snprintf(words, sizeof words, "<a href='#%s'>", section_ids[i]);
        cr_expect_eq(count(html, words), 1, "%s", words);
    }
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

static void expect_figure(const char *html, const char *name, double value)
{
    char words[96];
    snprintf(words, sizeof words, "<tr><th scope='row'>%s</th><td class='number'>%.5g</td>", name, value);
    expect_words(html, words);
}

Test(report_html, of_a_plain_autoencoder)
{
    cinch_run *run;
    cinch_evaluation e;
    trained("a", small_config("train.epochs=3", NULL));
    char *html = report_of("a", 0);
    expect_page(html);
    OK(cinch_run_open(&run, run_path("a"), &(cinch_run_options){ .device = backends_device(), .threads = 2 }));
    OK(cinch_run_evaluate(run, NULL, &e));
    expect_figure(html, "mse", e.mse);
    expect_figure(html, "pca_mse", e.pca_mse);
    expect_figure(html, "rel_l2", e.rel_l2);
    cr_expect_eq(count(html, "loss_kl"), 0, "there is none");
    expect_words(html, "test part, 60 samples");
    expect_words(html, "600: 480 for training, 60 for validation, 60 for testing");
    expect_words(html, "a Gaussian fitted to the training part");
    expect_words(html, "Component 1 <small>");
    cr_expect_eq(count(html, " data-i='"), 2 * 60, "each sample in both scatters");
    cr_expect_eq(count(html, "<button type='button' data-kind='3'"), 1, "four kinds of shapes");
    cr_expect_eq(count(html, "<h3>"), 2 + 6, "typical, the worst, and the components of 6 numbers");
    for (int i = 0; i < cinch_model_layer_count(cinch_run_model(run)); i++)
        expect_words(html, cinch_model_layer(cinch_run_model(run), i).name);
    cr_expect(!has_run_file("a", "samples.png"));
    cr_expect(has_run_file("a", "history.png") && has_run_file("a", "reconstructions.png"));
    cinch_run_free(run);
    free(html);
}

Test(report_html, of_a_variational_one)
{
    trained("v", small_config("train.epochs=2", "model.name=vae", "model.latent_dim=3", "loss.beta=0.1", NULL));
    char *html = report_of("v", 0);
    expect_page(html);
    expect_words(html, "Part of the loss: KL divergence");
    expect_words(html, "the prior, N(0, 1)");
    expect_words(html, "<th scope='row'>elbo</th>");
    cr_expect_eq(count(html, " nats</small></h3>"), 3, "each number of the code");
    cr_expect(has_run_file("v", "samples.png"));
    free(html);
}

Test(report_html, of_a_conditional_one)
{
    trained("c", small_config("train.epochs=2", "model.name=vae", "model.condition=label", NULL));
    char *html = report_of("c", 0);
    expect_page(html);
    cr_expect_eq(count(html, "<figcaption>label 3</figcaption>"), 10, "a quarter of 40 samples");
    free(html);
}

Test(report_html, fewer_rows)
{
    trained("a", small_config("train.epochs=1", NULL));
    char *html = report_of("a", 7);
    expect_page(html);
    expect_words(html, "test part, 7 samples");
    cr_expect_eq(count(html, " data-i='"), 2 * 7);
    cr_expect_eq(count(html, "alt='difference'"), 2 * 7, "typical ones and the worst are all of them");
    free(html);
    cr_expect_eq(cinch_report_write(run_path("a"), &(cinch_report_options){ .rows = -1 }), CINCH_USAGE);
}

/* --- other data --------------------------------------------------------------------------------------------------- */

/* 200 rows of [d] numbers without bounds, in a file of this name. */
static const char *put_vectors(const char *name, int d)
{
    static char path[512];
    char dict[96];
    float *values = malloc((size_t)(200 * d) * sizeof *values);
    for (int i = 0; i < 200 * d; i++) values[i] = 5 * sinf((float)i * 0.37f) + (float)(i % d);
    snprintf(path, sizeof path, "%s", run_path(name));
    snprintf(dict, sizeof dict, NPY("'<f4'", "False", "(200, %d)"), d);
    put(path, npy_bytes(1, dict, values, (size_t)(200 * d) * sizeof *values));
    free(values);
    return path;
}

static cinch_config *config_on(const char *key, const char *path, const char *more)
{
    char setting[600];
    snprintf(setting, sizeof setting, "%s=%s", key, path);
    return small_config(setting, "train.epochs=1", "model.latent_dim=2", more, NULL);
}

Test(report_html, vectors_without_labels_are_curves)
{
    trained("x", config_on("data.spec", put_vectors("x.npy", 12), NULL));
    char *html = report_of("x", 0);
    expect_page(html);
    cr_expect_eq(count(html, "class='image'"), 0);
    cr_expect_eq(count(html, "aria-label='original and reconstruction'"), 2 * 10);
    expect_words(html, "highest third");
    cr_expect_eq(count(html, "aria-pressed='false'"), 3);
    free(html);
}

Test(report_html, names_are_escaped)
{
    trained("x", config_on("data.spec", put_vectors("<b>&'x.npy", 6), NULL));
    char *html = report_of("x", 0);
    expect_page(html);
    expect_words(html, "&lt;b&gt;&amp;&#39;x.npy");
    cr_expect_eq(count(html, "<b>&"), 0);
    free(html);
}

/* The error is to the target: the report's is that of the evaluation. */
Test(report_html, targets_are_shown_beside)
{
    char *target = strdup(put_vectors("target.npy", 12));
    const char *x = put_vectors("x.npy", 12);
    char more[600];
    snprintf(more, sizeof more, "data.target=%s", target);
    trained("t", config_on("data.spec", x, more));
    char *html = report_of("t", 0);
    expect_page(html);
    expect_words(html, "dotted: the input");
    int legends = count(html, "class='line s2' d='M1 5H33'");
    cr_expect_eq(count(html, "class='line s2' d='") - legends, 2 * 10, "a third curve in each");
    free(html), free(target);
}

Test(report_html, without_a_test_part)
{
    trained("a", small_config("train.epochs=1", "data.split=[1,0,0]", NULL));
    char *html = report_of("a", 50);
    expect_page(html);
    expect_words(html, "Samples of the train part, which training has seen.");
    free(html);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

Test(report_html, what_is_missing_is_named)
{
    cinch_report_options cpu = { .run = { .device = backends_device() } };
    cr_expect_eq(cinch_report_write(run_path("nothing"), &cpu), CINCH_DATA);
    cr_expect(error_holds("nothing"));
    const char *x = put_vectors("x.npy", 6);
    trained("x", config_on("data.spec", x, NULL));
    char *path = strdup(run_path("x/metrics.jsonl"));
    cr_assert(!unlink(path));
    cr_expect_eq(cinch_report_write(run_path("x"), &cpu), CINCH_DATA);
    cr_expect(error_holds("metrics.jsonl"));
    cr_expect(!has_run_file("x", "report.html"));
    cr_assert(!unlink(run_path("x.npy")));
    cr_expect_eq(cinch_report_write(run_path("x"), &cpu), CINCH_DATA);
    cr_expect(error_holds("x.npy"));
    free(path);
}

Test(report_html, damaged_records_of_the_environment_do_not_matter)
{
    trained("a", small_config("train.epochs=1", NULL));
    static const char *const records[] = { "", "{", "[1]", "{\"sessions\": 3}",
                                           "{\"sessions\": [1, {\"command\": 7}]}" };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        put_run_file("a", "environment.json", records[i], strlen(records[i]));
        char *html = report_of("a", 20);
        expect_page(html);
        free(html);
    }
}

/* --- the record --------------------------------------------------------------------------------------------------- */

static json_t *sessions_of(const char *name)
{
    size_t size;
    char *text = run_file(name, "environment.json", &size);
    json_t *record = json_loadb(text, size, 0, NULL);
    cr_assert(record, "%.*s", (int)size, text);
    free(text);
    return record;
}

Test(report_html, each_session_is_recorded)
{
    cinch_train_options options = { .command = "train 'it' <here>" };
    OK(train_in("a", small_config("train.epochs=1", NULL), options, NULL, NULL));
    options = (cinch_train_options){ .command = "go on", .resume = true };
    OK(train_in("a", small_config("train.epochs=2", NULL), options, NULL, NULL));
    json_t *record = sessions_of("a"), *all = json_object_get(record, "sessions");
    cr_assert_eq(json_array_size(all), 2);
    json_t *first = json_array_get(all, 0), *second = json_array_get(all, 1);
    cr_expect_str_eq(json_string_value(json_object_get(first, "command")), "train 'it' <here>");
    cr_expect_str_eq(json_string_value(json_object_get(second, "command")), "go on");
    cr_expect_eq(json_integer_value(json_object_get(first, "step")), 0);
    cr_expect_gt(json_integer_value(json_object_get(second, "step")), 0);
    cr_expect(json_string_value(json_object_get(first, "device")));
    cr_expect(json_string_value(json_object_get(first, "started")));
    json_decref(record);
    char *html = report_of("a", 0);
    expect_page(html);
    expect_words(html, "train &#39;it&#39; &lt;here&gt;");
    expect_words(html, "<th scope='row'>resumed</th>");
    free(html);
    options = (cinch_train_options){ .overwrite = true };
    OK(train_in("a", small_config("train.epochs=1", NULL), options, NULL, NULL));
    cr_expect(!has_run_file("a", "report.html"), "a new run has not the old one's report");
    record = sessions_of("a");
    cr_expect_eq(json_array_size(json_object_get(record, "sessions")), 1);
    json_decref(record);
}

/* What is stopped writes nothing, and returns the status that it was stopped with. */
Test(report_html, stopping)
{
    cinch_run *run;
    cinch_evaluation unused;
    volatile int stop = 0;
    cinch_report_options options = { .run = { .device = backends_device(), .threads = 2, .stop = &stop } };
    trained("a", small_config("train.epochs=1", NULL));
    OK(cinch_report_write(run_path("a"), &options));
    cr_assert_eq(unlink(run_path("a/report.html")), 0);
    cr_assert_eq(unlink(run_path("a/history.png")), 0);
    OK(cinch_run_open(&run, run_path("a"), &options.run));
    stop = CINCH_TERMINATED;
    cr_expect_eq(cinch_run_evaluate(run, NULL, &unused), CINCH_TERMINATED);
    cr_expect(error_holds("stopped"));
    cinch_run_free(run);
    cr_expect_eq(cinch_report_write(run_path("a"), &options), CINCH_TERMINATED);
    cr_expect(!has_run_file("a", "report.html") && !has_run_file("a", "history.png"));
}
