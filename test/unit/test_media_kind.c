#include "unit.h"

#include "ingest/media_kind.h"

static void assert_option(AVDictionary *dictionary, const char *name, const char *value)
{
    const AVDictionaryEntry *entry = av_dict_get(dictionary, name, NULL, 0);
    if (!value)
        require(!entry, "%s is %s", name, entry->value);
    else
        require(entry && !strcmp(entry->value, value), "%s is %s, not %s", name,
                entry ? entry->value : "missing", value);
}

static void test_kinds(void **state)
{
    (void)state;
    static const char *const known[] = {"http",  "https", "srt",  "rtmp",
                                        "rtmps", "file",  "v4l2", "lavfi"};
    for (size_t i = 0; i < LENGTH(known); i++) {
        const struct media_kind *kind = media_kind_of(known[i]);
        assert_non_null(kind);
        assert_string_equal(kind->scheme, known[i]);
        /* Of this machine's files a remote medium sees nothing. */
        bool is_local = kind->is_device || !strcmp(known[i], "file");
        require(is_local || !strstr(kind->protocols, "file"), "%s", known[i]);
        require(!strstr(kind->protocols, "concat"), "%s", known[i]);
    }
    assert_null(media_kind_of("rtsp"));
    assert_null(media_kind_of("rtsps"));
    assert_null(media_kind_of(""));
    /* What began encrypted stays so. */
    assert_null(strstr(media_kind_of("https")->protocols, "http,"));
}

static void test_connections(void **state)
{
    (void)state;
    struct source_options options = {.tls_verify = RTSPREC_TLS_VERIFY};
    AVDictionary *dictionary = NULL;
    assert_int_equal(media_kind_connection(media_kind_of("https"), &options, &dictionary), 0);
    assert_option(dictionary, "tls_verify", "1");
    assert_option(dictionary, "ca_file", NULL);
    assert_option(dictionary, "user_agent", "rtsprec");
    assert_option(dictionary, "protocol_whitelist", media_kind_of("https")->protocols);
    av_dict_free(&dictionary);

    options.tls_verify = RTSPREC_TLS_ACCEPT_ANY;
    options.tls_ca_file = "authorities.pem";
    assert_int_equal(media_kind_connection(media_kind_of("rtmps"), &options, &dictionary), 0);
    assert_option(dictionary, "tls_verify", "0");
    assert_option(dictionary, "ca_file", "authorities.pem");
    assert_option(dictionary, "user_agent", NULL);
    av_dict_free(&dictionary);
}

static void test_devices(void **state)
{
    (void)state;
    AVDictionary *dictionary = NULL;
    char *path;
    assert_int_equal(media_kind_device(&path, "/dev/video0", &dictionary), 0);
    assert_string_equal(path, "/dev/video0");
    assert_int_equal(av_dict_count(dictionary), 0);
    free(path);

    assert_int_equal(
        media_kind_device(&path, "/dev/video1?input_format=mjpeg&video_size=1280x720", &dictionary),
        0);
    assert_string_equal(path, "/dev/video1");
    assert_int_equal(av_dict_count(dictionary), 2);
    assert_option(dictionary, "input_format", "mjpeg");
    assert_option(dictionary, "video_size", "1280x720");
    av_dict_free(&dictionary);
    free(path);

    assert_int_equal(media_kind_device(&path, "/dev/video1?mjpeg", &dictionary),
                     RTSPREC_ERROR_INVALID);
    assert_null(path);
    av_dict_free(&dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
