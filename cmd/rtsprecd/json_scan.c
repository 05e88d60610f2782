#include "json_scan.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "json_string.h"

#define A_VALUE "a value: a string in double quotes, a number, true, false, an object or an array"

struct scanner {
    const char *text;
    size_t size, at;
    unsigned depth;
    size_t values;
    struct diagnostics *diagnostics;
};

/* A key as it stands in the text; .key NULL: an element of an array or the root. */
struct member {
    char *key;
    size_t offset, size;
};

static bool scan_value(struct scanner *s, struct node *parent, struct member *member,
                       struct node **root);

/* Where a comment that begins at @at ends. */
static size_t comment_end(const char *text, size_t size, size_t at, bool *closed)
{
    const char *end;

    if (text[at + 1] == '/') {
        end = memchr(text + at, '\n', size - at);
        *closed = true;
        return end != NULL ? (size_t)(end - text) : size;
    }
    end = memmem(text + at + 2, size - at - 2, "*/", 2);
    *closed = end != NULL;
    return end != NULL ? (size_t)(end - text) + 2 : size;
}

void json_blank_comments(char *text, size_t size, struct diagnostics *diagnostics)
{
    bool in_string = false;

    for (size_t at = 0; at < size; at++) {
        bool closed;
        size_t end;

        if (in_string && text[at] == '\\')
            at++;
        else if (text[at] == '"')
            in_string = !in_string;
        else if (text[at] == '\n')
            in_string = false; /* no string goes over a line's end: the scanner says so */
        if (in_string || at + 1 >= size || text[at] != '/')
            continue;
        if (text[at + 1] != '/' && text[at + 1] != '*')
            continue;
        end = comment_end(text, size, at, &closed);
        if (!closed)
            diagnostics_error(diagnostics, place_of_offset(NULL, at),
                              "the comment has no end, expected \"*/\"");
        for (; at < end; at++) {
            if (text[at] != '\n')
                text[at] = ' ';
        }
        at--;
    }
}

static void skip_blanks(struct scanner *s)
{
    while (s->at < s->size && strchr(" \t\r\n", s->text[s->at]) != NULL && s->text[s->at] != '\0')
        s->at++;
}

/* The next byte, '\0' at the end: the text has none. */
static char peek(const struct scanner *s)
{
    if (s->at < s->size)
        return s->text[s->at];
    return '\0';
}

/* What stands at the scanner's place. Never the text itself, it may be a password. */
static const char *describe(const struct scanner *s)
{
    switch (peek(s)) {
    case '\0':
        return "the file ends";
    case '{':
        return "found \"{\"";
    case '}':
        return "found \"}\"";
    case '[':
        return "found \"[\"";
    case ']':
        return "found \"]\"";
    case ':':
        return "found \":\"";
    case ',':
        return "found \",\"";
    case '"':
        return "found a string";
    case '\'':
        return "found a single quote";
    case '#':
        return "found \"#\", comments begin with \"//\"";
    default:
        break;
    }
    if (isdigit((unsigned char)peek(s)) || peek(s) == '-')
        return "found a number";
    return isalpha((unsigned char)peek(s)) ? "found a word without quotes"
                                           : "found a character that means nothing here";
}

static bool fail(struct scanner *s, const struct node *node, const char *expected)
{
    diagnostics_error(s->diagnostics, place_of_offset(node, s->at), "%s, expected %s", describe(s),
                      expected);
    return false;
}

static int compare_keys(const void *left, const void *right)
{
    const struct node *a = *(const struct node *const *)left;
    const struct node *b = *(const struct node *const *)right;
    int order = strcmp(a->key, b->key);

    if (order != 0)
        return order;
    return a->key_offset < b->key_offset ? -1 : a->key_offset > b->key_offset;
}

/* Sorted, since a large object compared pair by pair would take minutes. */
static void find_duplicates(struct scanner *s, struct node *object)
{
    struct node **children;
    size_t count = 0;

    if (object->first == object->last)
        return;
    children = heap_allocate(object->last->index + 1, sizeof(struct node *));
    for (struct node *child = object->first; child != NULL; child = child->next)
        children[count++] = child;
    qsort(children, count, sizeof(struct node *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(children[i - 1]->key, children[i]->key) != 0)
            continue;
        children[i - 1]->superseded = true;
        diagnostics_error(s->diagnostics, place_of_key(children[i]),
                          "the key is given twice in this object, expected it once");
    }
    free(children);
}

static bool scan_string(struct scanner *s, const struct node *node, struct buffer *decoded)
{
    const char *problem = json_string_scan(s->text, s->size, &s->at, decoded);

    if (problem == NULL)
        return true;
    diagnostics_error(s->diagnostics, place_of_offset(node, s->at), "%s", problem);
    return false;
}

static bool scan_member(struct scanner *s, struct node *object)
{
    struct member member = {.offset = s->at};
    struct buffer key = {0};

    if (!scan_string(s, object, &key)) {
        buffer_forget(&key);
        return false;
    }
    member.size = s->at - member.offset;
    member.key = buffer_take(&key);
    skip_blanks(s);
    if (peek(s) != ':') {
        heap_forget(&member.key);
        return fail(s, object, "\":\" between key and value");
    }
    s->at++;
    return scan_value(s, object, &member, NULL);
}

static bool scan_object(struct scanner *s, struct node *object)
{
    const char *expected = "a key in double quotes or \"}\"";

    s->at++;
    skip_blanks(s);
    while (peek(s) == '"') {
        if (!scan_member(s, object))
            return false;
        skip_blanks(s);
        if (peek(s) == '}') {
            s->at++;
            find_duplicates(s, object);
            return true;
        }
        if (peek(s) != ',')
            return fail(s, object, "\",\" or \"}\"");
        s->at++;
        skip_blanks(s);
        expected = "a key in double quotes after the comma";
    }
    if (peek(s) != '}' || object->first != NULL)
        return fail(s, object, expected);
    s->at++;
    return true;
}

static bool scan_array(struct scanner *s, struct node *array)
{
    s->at++;
    skip_blanks(s);
    if (peek(s) == ']') {
        s->at++;
        return true;
    }
    for (;;) {
        if (!scan_value(s, array, NULL, NULL))
            return false;
        skip_blanks(s);
        if (peek(s) == ']') {
            s->at++;
            return true;
        }
        if (peek(s) != ',')
            return fail(s, array, "\",\" or \"]\"");
        s->at++;
    }
}

static size_t skip_digits(const struct scanner *s, size_t at)
{
    while (at < s->size && isdigit((unsigned char)s->text[at]))
        at++;
    return at;
}

static bool scan_number(struct scanner *s, const struct node *node)
{
    size_t at = s->at + (peek(s) == '-' ? 1 : 0), digits = at;
    bool good;

    at = skip_digits(s, at);
    good = at > digits && (s->text[digits] != '0' || at == digits + 1);
    if (good && at < s->size && s->text[at] == '.') {
        digits = at + 1;
        at = skip_digits(s, digits);
        good = at > digits;
    }
    if (good && at < s->size && (s->text[at] == 'e' || s->text[at] == 'E')) {
        at++;
        if (at < s->size && (s->text[at] == '+' || s->text[at] == '-'))
            at++;
        digits = at;
        at = skip_digits(s, digits);
        good = at > digits;
    }
    if (good && (at == s->size || !(isalnum((unsigned char)s->text[at]) || s->text[at] == '.'))) {
        s->at = at;
        return true;
    }
    diagnostics_error(s->diagnostics, place_of_offset(node, s->at),
                      "no number as JSON writes it, expected one such as 15, -3 or 0.5");
    return false;
}

static bool scan_word(struct scanner *s, const char *word)
{
    size_t size = strlen(word);

    if (s->size - s->at < size || memcmp(s->text + s->at, word, size) != 0)
        return false;
    if (s->at + size < s->size && isalnum((unsigned char)s->text[s->at + size]))
        return false;
    s->at += size;
    return true;
}

static bool kind_of(const struct scanner *s, enum node_kind *kind)
{
    struct scanner ahead = *s;
    char c = peek(s);

    if (c == '{')
        *kind = NODE_OBJECT;
    else if (c == '[')
        *kind = NODE_ARRAY;
    else if (c == '"')
        *kind = NODE_STRING;
    else if (c == '-' || isdigit((unsigned char)c))
        *kind = NODE_NUMBER;
    else if (scan_word(&ahead, "true") || scan_word(&ahead, "false"))
        *kind = NODE_BOOLEAN;
    else if (scan_word(&ahead, "null"))
        *kind = NODE_NULL;
    else
        return false;
    return true;
}

static bool scan_container(struct scanner *s, struct node *node)
{
    bool good;

    if (s->depth == JSON_DEPTH_MAX) {
        diagnostics_error(s->diagnostics, place_of_offset(NULL, node->offset),
                          "objects and arrays are nested too deep, expected at most %d levels",
                          JSON_DEPTH_MAX);
        return false;
    }
    s->depth++;
    good = node->kind == NODE_OBJECT ? scan_object(s, node) : scan_array(s, node);
    s->depth--;
    return good;
}

/* Takes the member's key over, also when it fails. @root: where a value without a parent goes. */
static bool scan_value(struct scanner *s, struct node *parent, struct member *member,
                       struct node **root)
{
    enum node_kind kind;
    struct node *node;

    skip_blanks(s);
    if (!kind_of(s, &kind) || s->values == JSON_VALUES_MAX) {
        if (member != NULL)
            heap_forget(&member->key);
        if (s->values < JSON_VALUES_MAX)
            return fail(s, parent, root != NULL ? "\"{\"" : A_VALUE);
        diagnostics_error(s->diagnostics, place_of_offset(NULL, s->at),
                          "too many values, expected at most %d", JSON_VALUES_MAX);
        return false;
    }
    s->values++;
    node = node_create(parent, kind, s->at);
    if (member != NULL) {
        node->key = member->key;
        node->key_offset = member->offset;
        node->key_size = member->size;
    }
    if (root != NULL)
        *root = node;
    switch (kind) {
    case NODE_OBJECT:
    case NODE_ARRAY:
        return scan_container(s, node);
    case NODE_STRING:
        return scan_string(s, node, NULL);
    case NODE_NUMBER:
        return scan_number(s, node);
    case NODE_BOOLEAN:
        return scan_word(s, "true") || scan_word(s, "false");
    case NODE_NULL:
        break;
    }
    return scan_word(s, "null");
}

struct node *json_scan(const char *text, size_t size, struct diagnostics *diagnostics)
{
    struct scanner s = {.text = text, .size = size, .diagnostics = diagnostics};
    struct node *root = NULL;
    bool good = scan_value(&s, NULL, NULL, &root);

    if (good) {
        skip_blanks(&s);
        if (s.at < s.size)
            good = fail(&s, NULL, "the end of the file");
    }
    if (!good)
        node_destroy(&root);
    return root;
}
