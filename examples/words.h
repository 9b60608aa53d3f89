/* A program behind the process protocol in plain words, for C and C++ without any library.

   Define the three functions below, and call serve(facts) from main, with facts such as
   "dtypes=float32 hyper=lr,momentum settable=lr". hyper[] is lr, momentum, dampening, weight_decay,
   nesterov, maximize, nu, flags as 0 or 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct array { long n; double *x; }; /* n = -1: there is no gradient */

/* Begin anew; a reason where this is not supported, else NULL. */
static const char *start(const char *dtype, const double *hyper, long count, const struct array *parameters);
static void step(const double *hyper, long count, const struct array *gradients);
/* Write parameter i as it is now, n numbers, into x. */
static void parameter(long i, long n, double *x);

static int read_arrays(long *count, struct array **arrays)
{
    if (scanf("%ld", count) != 1) return 0;
    *arrays = (struct array *)calloc(*count ? *count : 1, sizeof **arrays);
    for (long i = 0; i < *count; i++) {
        struct array *a = *arrays + i;
        if (scanf("%ld", &a->n) != 1) return 0;
        a->x = (double *)malloc((a->n > 0 ? a->n : 1) * sizeof *a->x);
        for (long k = 0; k < a->n; k++) {
            uint64_t bits;
            if (scanf("%" SCNx64, &bits) != 1) return 0;
            memcpy(a->x + k, &bits, sizeof bits);
        }
    }
    return 1;
}

static void free_arrays(long count, struct array *arrays)
{
    for (long i = 0; i < count; i++) free(arrays[i].x);
    free(arrays);
}

static int read_hyper(double *hyper)
{
    for (int i = 0; i < 7; i++) {
        uint64_t bits;
        if (scanf("%" SCNx64, &bits) != 1) return 0;
        memcpy(hyper + i, &bits, sizeof bits);
    }
    return 1;
}

static void write_state(long count, const struct array *parameters)
{
    printf("state %ld", count);
    for (long i = 0; i < count; i++) {
        parameter(i, parameters[i].n, parameters[i].x);
        printf(" %ld", parameters[i].n);
        for (long k = 0; k < parameters[i].n; k++) {
            uint64_t bits;
            memcpy(&bits, parameters[i].x + k, sizeof bits);
            printf(" %016" PRIx64, bits);
        }
    }
    putchar('\n');
}

static int serve(const char *facts)
{
    char verb[64], dtype[16];
    double hyper[7] = {0};
    long count = 0, given;
    struct array *parameters = NULL, *gradients;
    while (scanf("%63s", verb) == 1) {
        if (verb[0] == '{') {
            for (int c = 0; c != '\n' && c != EOF;) c = getchar();
            printf("momentum-words 1 %s\n", facts);
        } else if (!strcmp(verb, "start")) {
            free_arrays(count, parameters);
            if (scanf("%15s", dtype) != 1 || !read_hyper(hyper) || !read_arrays(&count, &parameters)) return 1;
            const char *refused = start(dtype, hyper, count, parameters);
            if (refused) printf("refused %s\n", refused);
            else write_state(count, parameters);
        } else if (!strcmp(verb, "set")) {
            if (!read_hyper(hyper)) return 1;
            puts("ok");
        } else if (!strcmp(verb, "step")) {
            if (!read_arrays(&given, &gradients)) return 1;
            step(hyper, given, gradients);
            free_arrays(given, gradients);
            write_state(count, parameters);
        } else return 1;
        fflush(stdout);
    }
    return 0;
}
