#include "unit.h"

#include <pthread.h>

#include "ingest/stream.h"

static AVCodecParameters *make_parameters(void)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = AV_CODEC_ID_H264;
    parameters->width = 640;
    return parameters;
}

static void test_tracks_are_copies(void **state)
{
    (void)state;
    struct stream *stream = stream_create();
    AVCodecParameters *parameters = make_parameters();
    for (int i = 0; i < STREAM_MAX_TRACKS; i++) {
        parameters->width = 640 + i;
        assert_int_equal(stream_add_track(stream, parameters, (AVRational){1, 90000 + i}, i - 1),
                         0);
    }
    avcodec_parameters_free(&parameters);
    assert_int_equal(stream->track_count, STREAM_MAX_TRACKS);
    for (int i = 0; i < STREAM_MAX_TRACKS; i++) {
        assert_int_equal(stream->tracks[i].parameters->width, 640 + i);
        assert_int_equal(stream->tracks[i].time_base.den, 90000 + i);
        assert_int_equal(stream->tracks[i].reorder_frames, i - 1);
    }
    stream_unref(&stream);
    assert_null(stream);
    stream_unref(&stream);
}

static void test_the_last_reference_frees(void **state)
{
    (void)state;
    struct stream *stream = stream_create(), *other = stream_ref(stream);
    AVCodecParameters *parameters = make_parameters();
    assert_int_equal(stream_add_track(stream, parameters, (AVRational){1, 1}, 0), 0);
    avcodec_parameters_free(&parameters);
    assert_ptr_equal(stream, other);
    stream_unref(&stream);
    assert_int_equal(other->tracks[0].parameters->width, 640); /* a sanitizer sees it when freed */
    stream_unref(&other);
}

static void *use(void *argument)
{
    for (int i = 0; i < 20000; i++) {
        struct stream *reference = stream_ref(argument);
        stream_unref(&reference);
    }
    struct stream *own = argument;
    stream_unref(&own);
    return NULL;
}

static void test_references_of_many_threads(void **state)
{
    (void)state;
    struct stream *stream = stream_create();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, stream_ref(stream)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&stream->references), 1);
    stream_unref(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tracks_are_copies),
        cmocka_unit_test(test_the_last_reference_frees),
        cmocka_unit_test(test_references_of_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
