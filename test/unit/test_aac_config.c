#include "unit.h"

#include <libavcodec/avcodec.h>

#include "base/av_glue.h"
#include "ingest/aac_config.h"

static bool make(uint8_t config[AAC_CONFIG_BYTES], int profile, int rate, int channels)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = AV_CODEC_ID_AAC;
    parameters->profile = profile;
    parameters->sample_rate = rate;
    parameters->ch_layout.nb_channels = channels;
    bool result = aac_config_make(config, parameters);
    avcodec_parameters_free(&parameters);
    return result;
}

/* Object type (5 bits), index of the rate (4), channels (4); the rest is 0. */
static void test_configs(void **state)
{
    (void)state;
    static const struct {
        int profile, rate, channels;
        uint8_t config[AAC_CONFIG_BYTES];
    } rows[] = {
        {AV_PROFILE_AAC_LOW, 48000, 2, {0x11, 0x90}},
        {AV_PROFILE_AAC_LOW, 16000, 1, {0x14, 0x08}},
        {AV_PROFILE_AAC_LOW, 8000, 1, {0x15, 0x88}},
        {AV_PROFILE_AAC_LOW, 44100, 6, {0x12, 0x30}},
        {AV_PROFILE_AAC_LOW, 48000, 8, {0x11, 0xb8}},
        {AV_PROFILE_AAC_MAIN, 96000, 2, {0x08, 0x10}},
        {AV_PROFILE_AAC_HE, 48000, 2, {0x13, 0x10}},
        {AV_PROFILE_AAC_HE_V2, 44100, 2, {0x13, 0x88}},
        {AV_PROFILE_UNKNOWN, 32000, 2, {0x12, 0x90}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint8_t config[AAC_CONFIG_BYTES] = {0};
        assert_true(make(config, rows[i].profile, rows[i].rate, rows[i].channels));
        require(!memcmp(config, rows[i].config, AAC_CONFIG_BYTES), "row %zu: %02x %02x", i,
                config[0], config[1]);
    }
}

static void test_what_has_no_config(void **state)
{
    (void)state;
    uint8_t config[AAC_CONFIG_BYTES];
    assert_false(make(config, AV_PROFILE_AAC_LOW, 0, 2));
    assert_false(make(config, AV_PROFILE_AAC_LOW, 44099, 2));
    assert_false(make(config, AV_PROFILE_AAC_LOW, 48000, 0));
    assert_false(make(config, AV_PROFILE_AAC_LOW, 48000, 7));
    assert_false(make(config, AV_PROFILE_AAC_LOW, 48000, 9));
    assert_false(make(config, AV_PROFILE_AAC_HE, 44099, 2));
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configs),
        cmocka_unit_test(test_what_has_no_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
