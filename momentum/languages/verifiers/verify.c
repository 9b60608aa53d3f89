/* Judge answers to test vectors: |got - expected| <= bound, for every element of every step.

   cc -O2 verify.c -o verify -lm && ./verify answers.jsonl basic.json momentum.json ...

   An answer: a line {"id": ..., "parameters": [[...], ...]} or {"id": ..., "skipped": "why"}.
   Exit code 0: all within bounds. 1: one is not. 2: incomplete, or no JSON. 3: all skipped. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value of JSON: kind is one of { [ " or 0 for a number, true, false, null. text: of a string or of
   kind 0. key: in an object. first, next: what is inside, and what comes after it. */
struct value { char kind, *text, *key; struct value *first, *next; };

static const char *reading; /* the file, for errors */
static void fail(const char *what, const char *which)
{
    exit((fprintf(stderr, "verify: %s: %s\n", what, which), 2));
}

static void space(char **p) { while (isspace((unsigned char)**p)) ++*p; }
static char *string(char **p) /* in place; ids and numbers have no escapes that matter */
{
    char *start = ++*p;
    while (**p && **p != '"') *p += **p == '\\' && (*p)[1] ? 2 : 1;
    if (!**p) fail("a string has no end", reading);
    *(*p)++ = 0;
    return start;
}

static struct value *parse(char **p, int depth)
{
    struct value *v = calloc(1, sizeof *v), **last = &v->first;
    if (!v || depth > 100) fail("too deep, or no memory", reading);
    if (space(p), **p == '"') return v->kind = '"', v->text = string(p), v;
    if (**p != '{' && **p != '[') { /* kind 0: up to what must follow */
        size_t n = strcspn(*p, ",]} \t\r\n");
        v->text = calloc(n + 1, 1);
        if (!n || !v->text) fail("no JSON", reading);
        memcpy(v->text, *p, n);
        *p += n;
        return v;
    }
    const char end = (v->kind = *(*p)++) == '{' ? '}' : ']';
    for (space(p); **p != end; space(p)) {
        char *key = NULL;
        if (v->first && *(*p)++ != ',') fail("wanted a comma", reading);
        space(p);
        if (v->kind == '{') {
            if (**p != '"') fail("wanted a name", reading);
            key = string(p);
            space(p);
            if (*(*p)++ != ':') fail("wanted a colon", reading);
        }
        *last = parse(p, depth + 1);
        (*last)->key = key;
        last = &(*last)->next;
    }
    ++*p;
    return v;
}

static struct value *get(struct value *v, const char *key)
{
    struct value *x = v->kind == '{' ? v->first : NULL;
    while (x && strcmp(x->key, key)) x = x->next;
    return x;
}

static char *text(struct value *v, const char *key)
{
    struct value *x = get(v, key);
    if (!x || x->kind != '"') fail("there is no text of this name", key);
    return x->text;
}

static double number(struct value *v, const char *id)
{
    char *end;
    double x = v->text ? strtod(v->text, &end) : 0;
    if (!v->text || end == v->text || *end) fail("an answer has what is no number", id);
    return x;
}

static char *file(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in || fseek(in, 0, SEEK_END)) fail("cannot read", path);
    long size = ftell(in);
    char *data = calloc(size + 1, 1);
    rewind(in);
    if (!data || fread(data, 1, size, in) != (size_t)size) fail("cannot read", reading = path);
    fclose(in);
    return reading = path, data;
}

/* Whether an answer is beyond a bound; says where. */
static int beyond(struct value *wanted, struct value *answer, const char *id)
{
    struct value *rows[3] = {get(answer, "parameters"), get(wanted, "expected"), get(wanted, "bound")}, *x[3];
    double got[3];
    int wrong = 0;
    for (int i = 0; i < 3; i++) {
        if (!rows[i]) fail("an answer has no parameters, or a case no bound", id);
        rows[i] = rows[i]->first;
    }
    for (int step = 1; rows[0] && rows[1] && rows[2]; step++) {
        for (int i = 0; i < 3; i++) { x[i] = rows[i]->first; rows[i] = rows[i]->next; }
        for (int k = 0; x[0] && x[1] && x[2]; k++) {
            for (int i = 0; i < 3; i++) { got[i] = number(x[i], id); x[i] = x[i]->next; }
            if (!wrong && !(fabs(got[0] - got[1]) <= got[2])) {
                printf("%s, step %d, element %d: %.17g, ", id, step, k, got[0]);
                printf("wanted %.17g +- %.3g\n", got[1], got[2]);
                wrong = 1;
            }
        }
        if (x[0] || x[1] || x[2]) fail("an answer has another number of elements", id);
    }
    if (rows[0] || rows[1]) fail("an answer has another number of steps", id);
    return wrong;
}

int main(int count, char **names)
{
    long passed = 0, failed = 0, skipped = 0, answers = 0;
    struct value *all = calloc(1, sizeof *all), **last = &all->first;
    if (count < 3) fail("usage", "verify answers.jsonl vectors.json...");
    for (char *p = file(names[1]); space(&p), *p; last = &(*last)->next, answers++) *last = parse(&p, 0);
    for (int i = 2; i < count; i++) {
        char *p = file(names[i]);
        struct value *cases = get(parse(&p, 0), "cases"), *mine = NULL;
        if (!cases) fail("there are no cases in", names[i]);
        for (struct value *one = cases->first; one; one = one->next, mine = NULL) {
            const char *id = text(one, "id");
            for (struct value *a = all->first; a; a = a->next)
                if (!strcmp(text(a, "id"), id)) mine = mine ? fail("answered twice", id), mine : a;
            if (!mine) fail("not answered", id);
            if (get(mine, "skipped")) skipped++;
            else if (beyond(one, mine, id)) failed++;
            else passed++;
        }
    }
    if (answers != passed + failed + skipped) fail("there are answers to no case of these files", names[1]);
    printf("%s: %ld passed, %ld failed, %ld skipped\n",
           failed ? "FAILED" : passed ? "passed" : "nothing verified", passed, failed, skipped);
    return failed ? 1 : passed ? 0 : 3;
}
