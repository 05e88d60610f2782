#include "ingest/aac_config.h"

#include "base/av_glue.h"

#define OBJECT_LC 2

bool aac_config_make(uint8_t config[AAC_CONFIG_BYTES], const AVCodecParameters *parameters)
{
    static const int rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                22050, 16000, 12000, 11025, 8000,  7350};
    int rate = parameters->sample_rate, channels = parameters->ch_layout.nb_channels;
    int object = OBJECT_LC;
    if (parameters->profile == AV_PROFILE_AAC_HE || parameters->profile == AV_PROFILE_AAC_HE_V2)
        rate /= 2;
    else if (parameters->profile >= AV_PROFILE_AAC_MAIN &&
             parameters->profile <= AV_PROFILE_AAC_LTP)
        object = parameters->profile + 1;
    if (parameters->profile == AV_PROFILE_AAC_HE_V2)
        channels = 1;
    if (channels == 8)
        channels = 7; /* that value stands for 7.1 */
    else if (channels < 1 || channels > 6)
        return false;
    for (int i = 0; i < (int)(sizeof(rates) / sizeof(rates[0])); i++) {
        if (rates[i] != rate)
            continue;
        config[0] = (uint8_t)(object << 3 | i >> 1);
        config[1] = (uint8_t)((i & 1) << 7 | channels << 3);
        return true;
    }
    return false;
}
